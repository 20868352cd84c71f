import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deliverySteps } from '@authmesh/agent/io/delivery';
import { transactionSteps } from '@authmesh/agent/io/store-port';
import type { AgentStep } from '@authmesh/agent/running-agent';
import type { CommitStep } from '@authmesh/coordinator/io/persisting';
import { beforeAll, describe, expect, it } from 'vitest';
import { dieAt } from './crash/crash-point.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { oauth, owner } from './harness/login.ts';
import { renew, share } from './harness/share.ts';
import { databaseStore } from './harness/sqlite.ts';
import { type Fleet, useStage } from './harness/stage.ts';

const stage = useStage();
const entryOf = (name: string) => fileURLToPath(new URL(`./crash/${name}-entry.ts`, import.meta.url));

let fleet: Fleet;
let pcA: Host;
let t440: Host;
const login = owner();

beforeAll(async () => {
  fleet = await stage.fleet({ coordinator: { command: [process.execPath, entryOf('coordinator')] } });
  pcA = fleet.host('pc-a');
  t440 = fleet.host('t440', { command: [process.execPath, entryOf('agent')] });
  for (const host of [pcA, t440]) {
    await fleet.join(host);
    await host.start('--log-level', 'debug');
  }
  await share(login, pcA, t440);
  t440.store().put('other:default', { type: 'api_key', provider: 'other', key: 'not in step', ours: [1, { a: 2 }] });
}, 60_000);

/** What the home's renewal must not touch in the store of the other host. */
function bystanders(host: Host): string {
  const { profiles, ...rest } = host.store().read();
  return JSON.stringify([rest, { ...profiles, [login.profile]: undefined }]);
}

/** The program whose home folder this is dies at its next such step. */
function leftovers(host: Host): string[] {
  return readdirSync(dirname(host.store().path)).filter(name => name !== 'auth-profiles.json');
}

describe('an agent that is killed in a delivery', () => {
  it.each<AgentStep>(deliverySteps.filter(step => !transactionSteps.some(one => one === step)))(
    'at "%s" leaves the old login or the new one, and delivers when it is back',
    async step => {
      const before = t440.store().entry(login.profile);
      const untouched = bystanders(t440);
      dieAt(dirname(t440.stateDir), step);
      const renewed = oauth(login);
      pcA.store().put(login.profile, renewed);
      expect((await t440.daemon().ended).signal).toBe('SIGKILL');
      const after = t440.store().entry(login.profile);
      const isOld = JSON.stringify(after) === JSON.stringify(before);
      expect(isOld || (after?.access === renewed.access && after.expires === renewed.expires)).toBe(true);
      expect(bystanders(t440)).toBe(untouched);

      await t440.start('--log-level', 'debug');
      await t440.store().holds(login.profile, renewed);
      await pcA.accountIs(login, account => account?.copies.every(copy => copy.state === 'current') === true);
      expect(bystanders(t440)).toBe(untouched);
      expect(t440.store().entry(login.profile)).not.toHaveProperty('refresh');
      await renew(login, pcA, t440);
      await until('no lock and no temporary file is left', () => leftovers(t440).length === 0);
    },
  );
});

describe('an agent that is killed in a delivery into a database', () => {
  it.each<AgentStep>([...transactionSteps])(
    'at "%s" leaves the old row or the new one, and delivers when it is back',
    async step => {
      const host = fleet.host(`modern-${step}`, { command: [process.execPath, entryOf('agent')] });
      const store = databaseStore(host.stateDir, '2026.9');
      const { refresh: _, ...bearer } = oauth(login);
      store.put(login.profile, { ...bearer, ...pcA.store().entry(login.profile), refresh: undefined });
      await fleet.join(host);
      await host.start('--log-level', 'debug');
      await host.online();
      const before = JSON.stringify(store.read());
      dieAt(dirname(host.stateDir), step);
      const renewed = oauth(login);
      pcA.store().put(login.profile, renewed);
      expect((await host.daemon().ended).signal).toBe('SIGKILL');
      if (step === 'committed') expect(store.entry(login.profile)?.access === renewed.access).toBe(true);
      else expect(JSON.stringify(store.read())).toBe(before);
      await host.start('--log-level', 'debug');
      await store.holds(login.profile, renewed);
      await host.stop();
    },
  );
});

describe('an agent that is killed in a publish', () => {
  const steps: readonly AgentStep[] = ['publish-sending', 'publish-sent', 'journal-written', 'journal-synced'];
  it.each(steps)('at "%s" loses nothing: the new login is everywhere when it is back', async step => {
    dieAt(dirname(t440.stateDir), step);
    const renewed = oauth(login);
    t440.store().put(login.profile, renewed);
    const written = t440.store().bytes();
    expect((await t440.daemon().ended).signal).toBe('SIGKILL');
    expect(t440.store().bytes().equals(written)).toBe(true);
    await t440.start('--log-level', 'debug');
    await pcA.store().holds(login.profile, renewed);
    expect(t440.store().bytes().equals(written)).toBe(true);
    await until(
      'only the new home has a refresh token',
      () => !('refresh' in (pcA.store().entry(login.profile) ?? {})),
    );
  });
});

describe('a coordinator that is killed in a commit', () => {
  const steps: readonly CommitStep[] = ['asked', 'begun', 'applied', 'committed', 'told'];
  it.each(steps)('at "%s" loses nothing, counts nothing twice and still knows what is old', async step => {
    const mine = owner();
    const first = await share(mine, pcA, t440);
    const revision = (await pcA.account(mine))?.revision ?? 0;
    dieAt(fleet.folder, step);
    const renewed = oauth(mine);
    pcA.store().put(mine.profile, renewed);
    expect((await fleet.coordinator.daemon().ended).signal).toBe('SIGKILL');
    await fleet.coordinator.start('--log-level', 'debug');
    await t440.store().holds(mine.profile, renewed);
    await Promise.all([pcA, t440].map(host => host.online()));
    await pcA.accountIs(mine, account => account?.copies.every(copy => copy.state === 'current') === true);
    expect((await pcA.account(mine))?.revision).toBe(revision + 1);
    t440.store().put(mine.profile, first);
    await t440.store().holds(mine.profile, renewed);
    expect(pcA.store().entry(mine.profile)?.access === renewed.access).toBe(true);
  });
});
