import type { AddressInfo, Socket } from 'node:net';
import { prepareFrame } from '@authmesh/coordinator/io/peer-socket';
import { WebSocketServer } from 'ws';

/** Bare `ws`: what a peer says is framed once and the same bytes go to every other socket. Prints its address. */
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4_096 });
const sockets = new Set<Socket>();

server.on('connection', (publisher, { socket: own }) => {
  own.setNoDelay(true);
  sockets.add(own);
  publisher.on('close', () => sockets.delete(own));
  publisher.on('message', data => {
    const wire = prepareFrame(data as Buffer);
    for (const socket of sockets) if (socket !== own) socket.write(wire);
  });
});
server.on('listening', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
