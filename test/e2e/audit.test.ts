import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { owner as newOwner, type Owner, oauth } from './harness/login.ts';
import { type Fleet, useStage } from './harness/stage.ts';

interface Trail {
  readonly verified: boolean | null;
  readonly problem: string | null;
  readonly head: { readonly entry: number; readonly link: string };
  readonly entries: readonly {
    readonly number: number;
    readonly at: string;
    readonly action: string;
    readonly node?: string;
    readonly account?: string;
    readonly fingerprint?: string;
  }[];
}

const stage = useStage();

describe('the audit trail', () => {
  let fleet: Fleet;
  let a: Host;
  let owner: Owner;
  beforeAll(async () => {
    ({
      fleet,
      hosts: [a],
    } = await stage.hosts('pc-a'));
    owner = newOwner();
    a.store().put(owner.profile, oauth(owner));
    await a.accountIs(owner, account => account?.revision === 1);
    await a.agent('mute', 'node/*');
    await until('it is recorded', async () => (await read()).entries.some(({ action }) => action === 'mute'));
  });

  async function audit(...args: readonly string[]) {
    const { code, stdout } = await fleet.coordinator.command('audit', '--json', ...args);
    return { code, trail: JSON.parse(stdout) as Trail };
  }
  const read = async (...args: readonly string[]) => (await audit(...args)).trail;

  it('says who did what, while the coordinator runs, and holds', async () => {
    const { code, trail } = await audit('--verify');
    expect([code, trail.verified, trail.problem]).toEqual([0, true, null]);
    expect(trail.entries.map(({ action, node }) => [action, node])).toEqual([
      ['join', 'pc-a'],
      ['accept', 'pc-a'],
      ['mute', 'pc-a'],
    ]);
    const accepted = trail.entries[1];
    expect(accepted?.account).toMatch(new RegExp(`/${owner.account}$`));
    expect(accepted?.fingerprint).toBe((await a.account(owner))?.fingerprint);
    const shown = await fleet.coordinator.command('audit', '--verify', '--since', '1h');
    expect(shown.stdout).toMatch(/Entries 1 to 3 are as they were written, from the beginning/);
    expect((await read('--since', '2100-01-01')).entries).toEqual([]);
    expect((await fleet.coordinator.command('audit', '--since', 'yesterday')).code).toBe(64);
  });

  it.each([
    [
      'an entry that was changed',
      `UPDATE audit SET entry = replace(entry, 'accept', 'refuse') WHERE number = 2`,
      'entry 2 is not',
    ],
    ['an entry that was dropped', 'DELETE FROM audit WHERE number = 2', 'entry 2 is missing'],
    ['the newest entry dropped', 'DELETE FROM audit WHERE number = 3', 'entries 3 to 3 are missing at the end'],
    [
      'entries that changed places',
      'UPDATE audit SET number = -1 WHERE number = 1; UPDATE audit SET number = 1 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = -1',
      'entry 1 is not',
    ],
  ])('%s is found', async (_, sql, problem) => {
    const database = new DatabaseSync(join(fleet.coordinator.dataDir, 'authmesh.sqlite'));
    const kept = database.prepare('SELECT * FROM audit').all();
    database.exec(sql);
    const { code, trail } = await audit('--verify');
    expect([code, trail.verified, trail.problem]).toEqual([1, false, expect.stringContaining(problem)]);
    database.exec('DELETE FROM audit');
    const put = database.prepare('INSERT INTO audit (number, at, entry, link) VALUES (?, ?, ?, ?)');
    for (const { number, at, entry, link } of kept) put.run(number ?? null, at ?? null, entry ?? null, link ?? null);
    database.close();
    expect((await audit('--verify')).code).toBe(0);
  });
});
