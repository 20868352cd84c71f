import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { probeControl } from './control-client.ts';
import { makeControlPath, removeControlPath } from './control-path.ts';
import { readLines, requestBytesMax, requestLine, writeLine } from './control-protocol.ts';
import { AuthmeshError, systemErrorCode, systemReason } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * Answers one request: with a value, or with a stream of them. `signal` says that the client is gone. An
 * `AuthmeshError` reaches the client as it is; any other error as an unexpected one, without its message.
 */
export type ControlHandler = (request: unknown, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>;

export interface ControlServerOptions {
  /** The program's home, mode 0700. */
  readonly home: string;
  readonly handle: ControlHandler;
  /** A handler failed in a way that nobody foresaw. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  readonly clientsMax?: number | undefined;
}

export interface ControlServer {
  readonly path: string;
  readonly close: () => Promise<void>;
}

/**
 * Listens for this host's command line: a unix socket of mode 0600, one JSON document a line. The socket file of a dead
 * process is replaced; a living one is an error that names it.
 */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const path = await makeControlPath(options.home);
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (sockets.size > (options.clientsMax ?? 64)) socket.destroy();
    else serve(socket, options);
  });
  try {
    await listen(server, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE') throw cannotListen(path, error);
    const pid = await probeControl(options.home);
    if (pid !== undefined) {
      throw new AuthmeshError('ERR_ALREADY_RUNNING', `process ${pid} already listens on ${path}`, {
        hint: 'stop that one first, or name another folder',
      });
    }
    await rm(path, { force: true });
    await listen(server, path).catch((again: unknown) => {
      throw cannotListen(path, again);
    });
  }
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await removeControlPath(options.home, path);
    },
  };
}

function cannotListen(path: string, error: unknown): AuthmeshError {
  return new AuthmeshError('ERR_FILE_ACCESS', `cannot listen on ${path}: ${systemReason(error)}`, {
    hint: 'mend that and start again',
    cause: error,
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function serve(socket: Socket, options: ControlServerOptions): void {
  const gone = new AbortController();
  socket.on('close', () => gone.abort());
  const complain = (id: number, message: string) =>
    writeLine(socket, { id, problem: { code: 'ERR_CONTROL_PROTOCOL', message, exitCode: exitCodes.problem } });
  readLines(
    socket,
    requestBytesMax,
    line => {
      const parsed = parseRequest(line);
      if (!parsed) complain(0, 'the request is not understood').then(() => socket.destroy());
      else if ('probe' in parsed) answerOnce(socket, parsed.id, { pid: process.pid });
      else answer(socket, parsed.id, parsed.request, gone.signal, options);
    },
    () => complain(0, `the request is longer than ${requestBytesMax} bytes`).then(() => socket.destroy()),
  );
}

function parseRequest(line: string) {
  try {
    return requestLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

async function answerOnce(socket: Socket, id: number, item: unknown): Promise<void> {
  await writeLine(socket, { id, item: item ?? null });
  await writeLine(socket, { id, end: true });
}

async function answer(
  socket: Socket,
  id: number,
  request: unknown,
  signal: AbortSignal,
  { handle, onFault }: ControlServerOptions,
): Promise<void> {
  try {
    const made = handle(request, signal);
    if (!(Symbol.asyncIterator in made)) {
      await answerOnce(socket, id, await made);
      return;
    }
    for await (const item of made) {
      // Waiting for each line keeps a client that reads slowly from filling this process's memory; the turn of the
      // event loop lets a stream that never waits hear that its client is gone.
      await writeLine(socket, { id, item });
      await setImmediate();
      if (signal.aborted) return;
    }
    await writeLine(socket, { id, end: true });
  } catch (error) {
    if (!(error instanceof AuthmeshError)) onFault?.(error);
    await writeLine(socket, { id, problem: problemOf(error) });
  }
}

function problemOf(error: unknown) {
  if (!(error instanceof AuthmeshError)) {
    return {
      code: 'ERR_CONTROL_PROTOCOL',
      message: 'the daemon could not answer because of a fault of its own',
      hint: 'its log says more',
      exitCode: exitCodes.problem,
    };
  }
  return { code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode };
}
