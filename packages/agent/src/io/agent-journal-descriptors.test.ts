import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import { beforeEach, expect, it, vi } from 'vitest';
import { type JournalEntry, type JournalStep, openJournal } from './agent-journal.ts';

/** What no descriptor is left for. */
let fails: 'nothing' | 'journal' | 'folder' = 'nothing';
const noneLeft = () => Object.assign(new Error('too many open files'), { code: 'EMFILE' });
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>();
  const open = (...args: Parameters<typeof real.open>) =>
    fails === 'journal' && String(args[0]).endsWith('.ndjson') ? Promise.reject(noneLeft()) : real.open(...args);
  return { ...real, open };
});
vi.mock('node:fs', async original => {
  const real = await original<typeof import('node:fs')>();
  const openSync = (...args: Parameters<typeof real.openSync>) => {
    if (fails === 'folder' && String(args[0]).endsWith('home')) throw noneLeft();
    return real.openSync(...args);
  };
  return { ...real, openSync };
});

const print = (digit: string) => digit.repeat(32) as Fingerprint;
function begun(name: string | number): JournalEntry {
  const account = `oauth:xai/${name}` as AccountId;
  return { kind: 'lease', account, lease: { account, epoch: 1, access: print('1'), refresh: print('a') } };
}
/** More than a file holds before it is written anew. */
const aMegabyte = Array.from({ length: 6_000 }, (_, n) => begun(n));

let home: string;
beforeEach(async () => {
  fails = 'nothing';
  home = join(await mkdtemp(join(tmpdir(), 'authmesh-journal-')), 'home');
});

it.each(['journal', 'folder'] as const)(
  'a journal that was written anew takes entries only into the file that has its name (%s)',
  async what => {
    const at = (step: JournalStep) => {
      if (step === 'compacting') fails = what;
    };
    const journal = await openJournal(home, { at });
    const onDisk = () => readFile(join(home, 'journal.ndjson'), 'utf8');
    // What was on disk before is told to be.
    await journal.append(aMegabyte);
    await expect(journal.append([begun('refused')])).rejects.toThrow('too many open files');
    fails = 'nothing';
    await journal.append([begun('taken')]);
    expect(await onDisk()).toContain('"oauth:xai/taken"');
    expect(await onDisk()).toContain('"oauth:xai/5999"');
    await journal.close();
    const again = await openJournal(home);
    await again.close();
    expect([again.contents.leases.size, again.contents.damagedLines]).toEqual([6_001, 0]);
  },
);
