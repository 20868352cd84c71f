import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, start } from '../program.ts';

/** A server to compare with, and the address that it listens on. */
export interface FloorServer {
  readonly program: Program;
  readonly url: string;
}

/** Runs one of the prototypes beside this file. */
export async function startPrototype(name: 'broadcaster' | 'challenge', folder: string): Promise<FloorServer> {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const program = start(process.execPath, [file], folder);
  return { program, url: await program.line(/^ws:/) };
}

/** Compiles and runs the broadcaster in C; undefined where there is no compiler. */
export async function startCompiled(folder: string): Promise<FloorServer | undefined> {
  const source = fileURLToPath(new URL('broadcaster.c', import.meta.url));
  const output = join(folder, 'broadcaster');
  try {
    execFileSync('cc', ['-O2', '-o', output, source], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const program = start(output, [], folder);
  return { program, url: await program.line(/^tcp:/) };
}
