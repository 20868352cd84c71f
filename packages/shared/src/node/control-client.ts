import { connect, type Socket } from 'node:net';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { z } from 'zod';
import { findControlPath } from './control-path.ts';
import { type AnswerLine, answerBytesMax, answerLine, readLines } from './control-protocol.ts';
import { AuthmeshError, type ErrorCode, errorCatalogue, systemErrorCode, systemReason } from './errors.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export interface ControlRequestOptions {
  /** The home of the daemon that is asked. */
  readonly home: string;
  readonly request: unknown;
  /** Longest wait for the first line of the answer. */
  readonly timeoutMs?: Milliseconds | undefined;
  /** Ends a stream. */
  readonly signal?: AbortSignal | undefined;
}

/** Asks the daemon of `home` once. Throws `ERR_DAEMON_UNREACHABLE` (69) when nobody listens or answers in time. */
export async function askControl(options: ControlRequestOptions): Promise<unknown> {
  for await (const item of streamControl(options)) return item;
  throw new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the daemon gave no answer');
}

/** Asks the daemon of `home` and yields each item of its answer, until it ends or the caller stops reading. */
export async function* streamControl(options: ControlRequestOptions): AsyncGenerator<unknown, void, undefined> {
  const timeoutMs = options.timeoutMs ?? 10 * second;
  const path = await findControlPath(options.home);
  if (path === undefined) throw unreachable(options.home);
  const socket = await dial(path, options.home);
  const lines = queueLines(socket, options.home, timeoutMs);
  const abort = () => socket.destroy();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    socket.write(`${JSON.stringify({ id: 1, request: options.request ?? null })}\n`);
    for (;;) {
      const line = await lines.next();
      if (line === undefined) {
        if (options.signal?.aborted) return;
        throw unreachable(options.home, 'it went away before it answered');
      }
      if ('problem' in line) throw problemError(line.problem);
      if ('end' in line) return;
      yield line.item;
    }
  } finally {
    options.signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** The process that listens for `home`; undefined when none does. A listener that does not answer counts as 0. */
export async function probeControl(home: string, timeoutMs: Milliseconds = 2 * second): Promise<number | undefined> {
  const path = await findControlPath(home);
  if (path === undefined) return undefined;
  let socket: Socket;
  try {
    socket = await dial(path, home);
  } catch {
    return undefined;
  }
  try {
    const lines = queueLines(socket, home, timeoutMs);
    socket.write('{"id":1,"probe":true}\n');
    const line = await lines.next();
    return line && 'item' in line ? z.object({ pid: z.number() }).parse(line.item).pid : 0;
  } catch {
    return 0;
  } finally {
    socket.destroy();
  }
}

function unreachable(home: string, found = 'nobody listens there'): AuthmeshError {
  return new AuthmeshError('ERR_DAEMON_UNREACHABLE', `the daemon of ${home} cannot be reached, ${found}`, {
    hint: 'start it, or look at its service and log',
  });
}

function dial(path: string, home: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', error => {
      const code = systemErrorCode(error);
      reject(unreachable(home, code === 'ENOENT' || code === 'ECONNREFUSED' ? undefined : systemReason(error)));
    });
  });
}

interface LineQueue {
  /** The next line; undefined once the peer is gone. The first has to come in time. */
  readonly next: () => Promise<AnswerLine | undefined>;
}

function queueLines(socket: Socket, home: string, timeoutMs: Milliseconds): LineQueue {
  const queue: AnswerLine[] = [];
  let failure: AuthmeshError | undefined;
  let over = false;
  let wake = () => {};
  const fail = (error: AuthmeshError) => {
    failure ??= error;
    socket.destroy();
    wake();
  };
  const timer = setTimeout(() => fail(unreachable(home, `no answer within ${timeoutMs} ms`)), timeoutMs);
  readLines(
    socket,
    answerBytesMax,
    text => {
      clearTimeout(timer);
      const line = parseAnswer(text);
      if (line) queue.push(line);
      else
        fail(new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the daemon’s answer is not understood', { hint: versionHint }));
      wake();
    },
    () => fail(new AuthmeshError('ERR_CONTROL_PROTOCOL', `the daemon’s answer is longer than ${answerBytesMax} bytes`)),
  );
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(timer);
    over = true;
    wake();
  });
  return {
    async next() {
      while (queue.length === 0 && !over && !failure) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      if (failure) throw failure;
      return queue.shift();
    },
  };
}

const versionHint = 'restart the daemon, it may be of another version than this command';

function parseAnswer(text: string): AnswerLine | undefined {
  try {
    return answerLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const knownExitCodes: ReadonlySet<number> = new Set(Object.values(exitCodes));

function problemError(problem: Extract<AnswerLine, { problem: unknown }>['problem']): AuthmeshError {
  const code = Object.hasOwn(errorCatalogue, problem.code) ? (problem.code as ErrorCode) : 'ERR_CONTROL_PROTOCOL';
  const exitCode = knownExitCodes.has(problem.exitCode) ? (problem.exitCode as ExitCode) : undefined;
  return new AuthmeshError(code, problem.message, { hint: problem.hint, exitCode });
}
