import { basename } from 'node:path';
import { second } from '@authmesh/shared/core/time';
import { runToEnd } from '@authmesh/shared/node/child-program';
import { type Lookup, lookedUp, parsedJson, textAt } from './lookup.ts';

/** A command that prints a value, or a document with the value in it. */
export interface CommandSource {
  /** A program and its arguments, or with `shell` a line. */
  readonly command: readonly string[] | string;
  readonly pointer?: string | undefined;
  readonly timeoutSeconds: number;
}

/** Runs it without input; what it prints is kept here, and what it complains of is looked at by nobody. `signal` ends it. */
export async function readCommand(
  { command, pointer, timeoutSeconds }: CommandSource,
  signal: AbortSignal,
): Promise<Lookup> {
  const [program = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  // Any of its arguments may be a secret.
  const name = typeof command === 'string' ? 'a shell line' : basename(command[0] ?? '').slice(0, 60);
  const place = { source: name, kind: 'stored' } as const;
  const unreadable = (why: string): Lookup => ({ ...place, state: 'unreadable', why });
  const ended = await runToEnd({ program, args, timeoutMs: timeoutSeconds * second, signal });
  if ('why' in ended) return unreadable(`${name} ${ended.why}`);
  const text = ended.output.replace(/\r?\n$/, '');
  if (pointer === undefined) return lookedUp(place, text);
  const document = parsedJson(text);
  if (!document) return unreadable(`${name} printed no JSON`);
  const found = textAt(document.value, pointer);
  return 'why' in found ? unreadable(found.why) : lookedUp(place, found.text);
}
