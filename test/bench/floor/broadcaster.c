/*
 * The floor of a broadcast: epoll and write(), nothing else. Listens on 127.0.0.1, prints the port, accepts any number
 * of connections. A connection that says anything is the publisher: four bytes of length (big-endian) and a frame, which
 * goes to every other connection as it is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { connections_max = 65536, frame_max = 1 << 20, events_max = 1024 };

static int peers[connections_max];
static int count;
static unsigned char frame[frame_max + 4];
static size_t filled;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void forget(int connection) {
  for (int at = 0; at < count; at++) {
    if (peers[at] == connection) {
      peers[at] = peers[--count];
      break;
    }
  }
  close(connection);
}

static void write_all(int connection, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(connection, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes += written;
    length -= (size_t)written;
  }
}

static void hear(int publisher) {
  ssize_t got = read(publisher, frame + filled, sizeof frame - filled);
  if (got <= 0) {
    if (got < 0 && errno == EINTR) return;
    forget(publisher);
    return;
  }
  filled += (size_t)got;
  while (filled >= 4) {
    uint32_t length;
    memcpy(&length, frame, 4);
    length = ntohl(length);
    if (length > frame_max) exit(1);
    if (filled < length + 4) return;
    for (int at = 0; at < count; at++) {
      if (peers[at] != publisher) write_all(peers[at], frame + 4, length);
    }
    filled -= length + 4;
    memmove(frame, frame + 4 + length, filled);
  }
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("tcp://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  static struct epoll_event events[events_max];
  for (;;) {
    int ready = epoll_wait(epoll, events, events_max, -1);
    for (int at = 0; at < ready; at++) {
      int descriptor = events[at].data.fd;
      if (descriptor != listener) {
        hear(descriptor);
        continue;
      }
      int connection = accept(listener, NULL, NULL);
      if (connection < 0 || count == connections_max) continue;
      int on = 1;
      setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      peers[count++] = connection;
      event.events = EPOLLIN;
      event.data.fd = connection;
      epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &event);
    }
  }
}
