import { describe, expect, it } from 'vitest';
import { type ProgramRun, runToEnd } from './child-program.ts';

const run = (script: string, more: Partial<ProgramRun> = {}) =>
  runToEnd({ program: process.execPath, args: ['-e', script], timeoutMs: 30_000, ...more });

describe('a program of the operator’s', () => {
  it('gets its input and its environment, and gives what it printed', async () => {
    const script = 'process.stdin.on("data", piece => process.stdout.write(piece + process.env.MORE))';
    const ended = await run(script, { input: 'given ', environment: { MORE: 'told' } });
    expect(ended).toEqual({ output: 'given told' });
  });

  it('may end without reading what it was given', async () => {
    expect(await run('', { input: 'x'.repeat(1_000_000) })).toEqual({ output: '' });
  });

  it.each<[string, () => ReturnType<typeof runToEnd>, string]>([
    ['fails', () => run('process.exit(3)'), 'ended with status 3'],
    ['is killed', () => run('process.kill(process.pid, "SIGKILL")'), 'was killed'],
    ['does not end', () => run('setInterval(() => {}, 1000)', { timeoutMs: 300 }), 'did not end within 0.3 s'],
    ['prints without end', () => run('process.stdout.write("x".repeat(2_000_000))'), 'printed more than 1 MiB'],
    ['is not there', () => run('', { program: 'no-such-program' }), 'is not on this host’s PATH'],
    ['comes after the end', () => run('', { signal: AbortSignal.abort() }), 'was not started'],
    ['cannot take it', () => run('', { environment: { VALUE: 'canary\0' } }), 'cannot be given a null byte'],
  ])('that %s gives a reason, with no part of what it was given', async (_, runs, why) => {
    expect(await runs()).toEqual({ why });
  });
});
