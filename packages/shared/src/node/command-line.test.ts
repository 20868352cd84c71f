import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Command, runProgram } from './command-line.ts';

const join: Command = {
  name: 'join',
  summary: 'join',
  arguments: '<code>',
  options: [],
  example: 'program join CODE',
  run: async () => 0,
};
const install: Command = { name: 'service install', summary: 'install', options: [], example: 'x', run: async () => 0 };
const program = { name: 'program', summary: 'A program.', version: '1.0.0', commands: [join, install] };
const code = `authmesh1${'Q'.repeat(40)}`;

let said: string;

beforeEach(() => {
  said = '';
  const listen = (text: string | Uint8Array) => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(listen);
  vi.spyOn(process.stdout, 'write').mockImplementation(listen);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe(runProgram, () => {
  it('says in one sentence that there are too many arguments, and repeats none of them', async () => {
    await runProgram(program, ['join', code, '--', code, 'more']);
    expect(process.exitCode).toBe(64);
    expect(said).toBe("program: too many arguments for 'join'. Expected 1 argument but got 3. See `program --help`.\n");
  });

  it('does not repeat a join code in the place of a command or an option', async () => {
    await runProgram(program, [code]);
    await runProgram(program, ['join', `--${code}`]);
    expect(said).toMatch(/unknown command.*\n.*unknown option/);
    expect(said).not.toContain(code.slice(0, 12));
  });

  it('names the commands of a group in the help', async () => {
    await runProgram({ ...program, commands: [install, { ...install, name: 'service status' }] }, ['--help']);
    expect(said).toMatch(/service +install, status/);
    expect(process.exitCode).toBe(0);
  });
});
