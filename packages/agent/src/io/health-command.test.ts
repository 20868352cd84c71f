import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkHealth } from './health-command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'authmesh-health-'));
});

describe(checkHealth, () => {
  it('passes when the command ends 0', async () => {
    expect(await checkHealth({ command: 'true', timeoutMs: 5_000 })).toMatchObject({ ok: true });
  });

  it('asks again until it ends 0', async () => {
    const sign = join(folder, 'healthy');
    const checked = checkHealth({ command: `test -e ${sign}`, timeoutMs: 20_000 });
    writeFileSync(sign, '');
    expect(await checked).toMatchObject({ ok: true });
  });

  it('fails with how it last ended', async () => {
    const { ok, why } = await checkHealth({ command: 'exit 7', timeoutMs: 500 });
    expect([ok, why]).toEqual([false, 'the health command failed: it ended with status 7']);
  });

  it('does not count what is up before it was away, where that is asked', async () => {
    const [up, calls] = [join(folder, 'up'), join(folder, 'calls')];
    const called = () => (existsSync(calls) ? readFileSync(calls, 'utf8').length : 0);
    const calledAgain = async () => {
      const before = called();
      await vi.waitFor(() => expect(called()).toBeGreaterThan(before), { timeout: 10_000 });
    };
    writeFileSync(up, '');
    const checked = checkHealth({
      command: `printf x >> ${calls}; test -e ${up}`,
      timeoutMs: 60_000,
      fallsFirst: true,
    });
    await calledAgain();
    await calledAgain();
    rmSync(up);
    await calledAgain();
    await calledAgain();
    writeFileSync(up, '');
    expect(await checked).toMatchObject({ ok: true, why: 'the health command ended 0' });
    const steady = await checkHealth({ command: 'true', timeoutMs: 500, fallsFirst: true });
    expect(steady).toEqual({ ok: true, why: 'the health command ended 0 all the time' });
  });

  it('ends with what it has started when it is told to', async () => {
    const file = join(folder, 'sleeper');
    const control = new AbortController();
    const command = `sleep 1000 & echo $! > ${file}; wait`;
    const checked = checkHealth({ command, timeoutMs: 600_000, signal: control.signal });
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/\d/), { timeout: 10_000 });
    control.abort();
    expect(await checked).toMatchObject({ ok: false });
    const pid = Number(readFileSync(file, 'utf8'));
    await vi.waitFor(() => expect(stateOf(pid)).toMatch(/^(gone|Z)$/), { timeout: 10_000 });
  });

  it('kills one that hangs, and what it has started', async () => {
    const file = join(folder, 'pid');
    const command = `sleep 1000 & echo $! > ${file}; wait`;
    const { ok, why } = await checkHealth({ command, timeoutMs: 1_000 });
    expect([ok, why]).toEqual([false, 'the health command failed: it did not end in time']);
    expect(existsSync(file)).toBe(true);
    const pid = Number(readFileSync(file, 'utf8'));
    await vi.waitFor(() => expect(stateOf(pid)).toMatch(/^(gone|Z)$/), { timeout: 10_000 });
  });
});

/** A killed process whose parent is gone too may wait for a while to be taken away. */
function stateOf(pid: number): string {
  try {
    return / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'gone';
  } catch {
    return 'gone';
  }
}
