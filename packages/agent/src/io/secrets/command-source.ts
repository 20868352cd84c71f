import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { systemErrorCode } from '@authmesh/shared/node/errors';
import { type Lookup, lookedUp, parsedJson, textAt } from './lookup.ts';

/** A command that prints a value, or a document with the value in it. */
export interface CommandSource {
  /** A program and its arguments, or with `shell` a line. */
  readonly command: readonly string[] | string;
  readonly pointer?: string | undefined;
  readonly timeoutSeconds: number;
}

const bytesMax = 1024 * 1024;

/** Runs it without input; what it prints is kept here, and what it complains of is looked at by nobody. `signal` ends it. */
export async function readCommand(
  { command, pointer, timeoutSeconds }: CommandSource,
  signal: AbortSignal,
): Promise<Lookup> {
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  // Any of its arguments may be a secret.
  const name = typeof command === 'string' ? 'a shell line' : basename(command[0] ?? '').slice(0, 60);
  const place = { source: name, kind: 'stored' } as const;
  const unreadable = (why: string): Lookup => ({ ...place, state: 'unreadable', why });
  const ended = await runToEnd(program ?? '', args, timeoutSeconds * 1_000, signal);
  if ('why' in ended) return unreadable(`${name} ${ended.why}`);
  const text = ended.output.replace(/\r?\n$/, '');
  if (pointer === undefined) return lookedUp(place, text);
  const document = parsedJson(text);
  if (!document) return unreadable(`${name} printed no JSON`);
  const found = textAt(document.value, pointer);
  return 'why' in found ? unreadable(found.why) : lookedUp(place, found.text);
}

function runToEnd(
  program: string,
  args: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly output: string } | { readonly why: string }> {
  return new Promise(resolve => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const pieces: Buffer[] = [];
    let size = 0;
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    };
    const timer = setTimeout(() => {
      end();
      resolve({ why: `did not end within ${timeoutMs / 1_000} s` });
    }, timeoutMs);
    signal.addEventListener('abort', end);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    };
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= bytesMax) return void pieces.push(piece);
      end();
      resolve({ why: 'printed more than 1 MiB' });
    });
    child.once('error', error => {
      settle();
      const isAbsent = systemErrorCode(error) === 'ENOENT';
      resolve({ why: isAbsent ? 'is not on this host’s PATH' : 'could not be started' });
    });
    child.once('close', status => {
      settle();
      end();
      if (status === 0) resolve({ output: Buffer.concat(pieces).toString('utf8') });
      else resolve({ why: status === null ? 'was killed' : `ended with status ${status}` });
    });
  });
}
