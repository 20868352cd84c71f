import type { Memory } from '@authmesh/agent/core/effect';
import type { CopyMemory } from '@authmesh/agent/core/memory';
import { type CopyKey, copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import type { Logger } from '@authmesh/shared/node/logger';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from './agent-journal.ts';
import { createKeeper } from './memory-keeper.ts';
import type { RecordVault } from './record-vault.ts';

const store = '/home/claw/auth-profiles.json' as StoreId;

/** A journal on a disk that is full or not, and the keeper on it. */
function stage() {
  const kept: JournalEntry[] = [];
  const logged: string[] = [];
  /** What waits for the disk: undefined answers at once. */
  let waiting: ((full: boolean) => void)[] | undefined;
  let full = false;
  const journal = {
    async append(entries: readonly JournalEntry[]) {
      const refuses = waiting ? await new Promise<boolean>(resolve => waiting?.push(resolve)) : full;
      if (refuses) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      kept.push(...entries);
    },
    hurry() {},
  };
  const logger = { note: ({ name }: { name: string }) => void logged.push(name) } as unknown as Logger;
  const keeper = createKeeper(journal, { settle() {}, sealedOf() {} } as unknown as RecordVault, logger);
  return {
    ...keeper,
    logged,
    keepCopy: (profile: string, links = 0) =>
      keeper.keep({ kind: 'copy', key: keyOf(profile), copy: copyOf(profile, links) }),
    leases: () => kept.flatMap(entry => (entry.kind === 'lease' ? [entry.lease?.epoch] : [])),
    kept: () => kept.map(entry => (entry.kind === 'copy' ? [entry.copy?.profile, entry.copy?.chain.length] : [])),
    fill: (now: boolean) => {
      full = now;
    },
    hold: () => {
      waiting = [];
    },
    answer: (index: number, refuses: boolean) => waiting?.[index]?.(refuses),
  };
}

const keyOf = (profile: string): CopyKey => copyKey(store, profile as ProfileId);
function copyOf(profile: string, links: number): CopyMemory {
  const chain = Array.from({ length: links }, () => ({ access: '1'.repeat(32) as never }));
  return { store, profile: profile as ProfileId, account: 'oauth:xai/a' as never, chain };
}

describe('a keeper on a full disk', () => {
  it('knows of which accounts the last entry is on disk', async () => {
    const scene = stage();
    const keepAccount = () => scene.keep({ kind: 'account', account: { account: 'oauth:xai/a' } as never });
    await keepAccount();
    expect(scene.isKept('oauth:xai/a' as never)).toBe(true);
    scene.fill(true);
    await keepAccount();
    expect(scene.isKept('oauth:xai/a' as never)).toBe(false);
    scene.fill(false);
    await scene.retry();
    expect(scene.isKept('oauth:xai/a' as never)).toBe(true);
  });

  it('says so until what it could not keep is kept, without anything new to keep', async () => {
    const scene = stage();
    expect(await scene.retry()).toBeUndefined();
    scene.fill(true);
    await scene.keepCopy('xai:a');
    await scene.keepCopy('xai:b');
    expect(await scene.retry()).toBe('the disk is full (ENOSPC)');
    expect(scene.logged).toContain('journal-refused');
    scene.fill(false);
    expect(await scene.retry()).toBeUndefined();
    expect(scene.kept()).toEqual([
      ['xai:a', 0],
      ['xai:b', 0],
    ]);
    expect(await scene.retry()).toBeUndefined();
    expect(scene.kept()).toHaveLength(2);
  });

  it('loses nothing of what failed together, and never puts an older entry behind a newer one', async () => {
    const scene = stage();
    scene.hold();
    const all = [scene.keepCopy('xai:a'), scene.keepCopy('xai:b'), scene.keepCopy('xai:a', 1)];
    scene.answer(0, true);
    scene.answer(1, true);
    scene.answer(2, false);
    await Promise.all(all);
    expect(scene.kept()).toEqual([['xai:a', 1]]);
    const again = scene.retry();
    scene.answer(3, false);
    expect(await again).toBeUndefined();
    expect(scene.kept()).toEqual([
      ['xai:a', 1],
      ['xai:b', 0],
    ]);
  });
});

describe('what is written at once', () => {
  const account = 'oauth:xai/a' as never;
  const ended: Memory = { kind: 'lease', account, lease: null };
  const begun = (epoch: number): JournalEntry => ({
    ...{ kind: 'lease', account },
    lease: { account, epoch, access: '1'.repeat(32) as never, refresh: 'a'.repeat(32) as never },
  });

  it('is not written over by what a full disk has refused before', async () => {
    const scene = stage();
    scene.fill(true);
    await scene.keep(ended);
    scene.fill(false);
    await scene.writeNow(begun(2));
    expect(await scene.retry()).toBeUndefined();
    await scene.keepCopy('xai:a');
    expect(scene.leases()).toEqual([2]);
  });

  it('nor by what was under way then, and failed', async () => {
    const scene = stage();
    scene.hold();
    const before = scene.keep(ended);
    const now = scene.writeNow(begun(2));
    scene.answer(0, true);
    scene.answer(1, false);
    await Promise.all([before, now]);
    expect(await scene.retry()).toBeUndefined();
    expect(scene.leases()).toEqual([2]);
  });

  it('is refused by a full disk, and not tried again', async () => {
    const scene = stage();
    scene.fill(true);
    await expect(scene.writeNow(begun(2))).rejects.toThrow('no space');
    scene.fill(false);
    await scene.retry();
    expect(scene.leases()).toEqual([]);
  });
});
