import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { journalFileName } from '@authmesh/agent/io/agent-journal';
import { exchangeSteps } from '@authmesh/agent/io/lease-exchange';
import type { AgentStep } from '@authmesh/agent/running-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dieAt } from './crash/crash-point.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { type Owner, owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';
import { accessIn, provider, type RefreshScene, renewedOn, startRefreshScene } from './refresh-scene.ts';

const stage = useStage();
let scene: RefreshScene;
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  // Nothing comes due by itself: each test says when.
  scene = await startRefreshScene(stage, { lifeSeconds: 120, names: ['pc-a', 't440'] });
  [pcA, t440] = scene.hosts as [Host, Host];
}, 90_000);
afterAll(() => scene.stop());

/** A login that no store can spend, and what it is before the refresh. */
async function vaulted(): Promise<{ readonly login: Owner; readonly before: string }> {
  const login = owner(provider);
  await scene.signIn(login);
  await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
  return { login, before: accessIn(pcA, login) };
}

/** Has the login refreshed, which its home does; the home dies meanwhile. */
async function refreshAndDie(login: Owner): Promise<void> {
  const command = t440.open('refresh', login.profile);
  expect((await pcA.daemon().ended).signal).toBe('SIGKILL');
  await command.stop();
}

const counts = (login: Owner) => scene.server.counts(login.account);

describe('a refresher that is killed', () => {
  it('before the request leaves the login in doubt, and nobody spends it: it goes on while it lives', async () => {
    const { login, before } = await vaulted();
    dieAt(dirname(pcA.stateDir), 'exchange-intended');
    await refreshAndDie(login);
    await pcA.start('--log-level', 'debug');
    await pcA.online();
    await t440.accountIs(login, account => account?.state === 'in-doubt');
    expect(counts(login)).toMatchObject({ exchanges: 0, reuses: 0 });
    expect(accessIn(t440, login)).toBe(before);
    // An operator who knows better may have it tried once.
    expect((await t440.agent('refresh', login.profile)).code).toBe(0);
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
  });

  it('after the server has rotated leaves it in doubt: the new token is nowhere, and the old one is not used again', async () => {
    const { login, before } = await vaulted();
    scene.server.watch((stage_, subject) => {
      if (stage_ === 'rotated' && subject === login.account)
        return pcA
          .daemon()
          .kill()
          .then(() => undefined);
    });
    await refreshAndDie(login);
    scene.server.watch(undefined);
    await pcA.start('--log-level', 'debug');
    await pcA.online();
    await t440.accountIs(login, account => account?.state === 'in-doubt');
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
    expect([accessIn(pcA, login), accessIn(t440, login)]).toEqual([before, before]);
  });

  it.each<AgentStep>(['exchange-kept', 'exchange-stored', 'publish-sending', 'publish-sent'])(
    'at "%s" has the new login on its disk: the fleet gets it when the host is back',
    async step => {
      const { login, before } = await vaulted();
      dieAt(dirname(pcA.stateDir), step);
      await refreshAndDie(login);
      await pcA.start('--log-level', 'debug');
      await renewedOn(scene.server, scene.hosts, login, before);
      await t440.accountIs(login, account => account?.state === 'fresh' || account?.state === 'expiring');
      expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0, refused: 0 });
    },
  );

  it('knows every step at which that can be', () => {
    // What is lent is in `refresh-home.test.ts`.
    const all = ['exchange-lent', 'exchange-intended', 'exchange-answered', 'exchange-kept', 'exchange-stored'];
    expect(exchangeSteps).toEqual(all);
  });
});

describe('a partition in the middle of an exchange', () => {
  it('makes no second refresher, and the result comes when the link is back', async () => {
    const { login, before } = await vaulted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    scene.server.watch(async (stage_, subject) => {
      if (stage_ !== 'received' || subject !== login.account) return;
      asked.resolve();
      await promise;
    });
    const command = t440.open('refresh', login.profile);
    await asked.promise;
    await scene.fleet.coordinator.daemon().kill();
    await scene.fleet.coordinator.start('--log-level', 'debug');
    await Promise.all(scene.hosts.map(host => host.online()));
    await t440.accountIs(login, account => account?.state === 'refreshing');
    const { code, stderr } = await t440.agent('refresh', login.profile);
    expect([code, stderr]).toEqual([1, expect.stringContaining('pc-a is refreshing it already')]);
    resolve();
    await renewedOn(scene.server, scene.hosts, login, before);
    scene.server.watch(undefined);
    await command.stop();
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
  });
});

describe('an answer that is cut off', () => {
  it('leaves the login in doubt, and a sign-in anywhere ends that', async () => {
    const { login, before } = await vaulted();
    scene.server.behave({ cutBeforeAnswer: true });
    const { code, stderr } = await t440.agent('refresh', login.profile);
    scene.server.behave({});
    expect([code, stderr]).toEqual([1, expect.stringMatching(/in-doubt/)]);
    await pcA.accountIs(login, account => account?.state === 'in-doubt' && account.refresh?.mend !== undefined);
    await scene.signIn(login, t440);
    await renewedOn(scene.server, scene.hosts, login, before);
    await pcA.accountIs(login, account => account?.state !== 'in-doubt');
    expect(counts(login)).toMatchObject({ reuses: 0 });
  });
});

describe('an endpoint that answers with a page for people', () => {
  it('is said in words, and the login goes on as it was', async () => {
    const { login, before } = await vaulted();
    scene.server.behave({ html: true });
    const { code, stderr } = await t440.agent('refresh', login.profile);
    scene.server.behave({});
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\(postponed\).*a page for people/)]);
    await pcA.accountIs(login, account => account?.refresh?.state === 'postponed' && account.state === 'expiring');
    expect([accessIn(pcA, login), counts(login).reuses]).toEqual([before, 0]);
  });
});

describe('a refresher whose journal is damaged after a crash', () => {
  it('does not say at any later start that it never had the lease', async () => {
    const { login } = await vaulted();
    dieAt(dirname(pcA.stateDir), 'exchange-intended');
    await refreshAndDie(login);
    const journal = join(pcA.home, journalFileName);
    writeFileSync(journal, readFileSync(journal, 'utf8').replaceAll('{"kind":"lease"', '{"kind":"le'));
    for (let starts = 0; starts < 2; starts++) {
      await pcA.start('--log-level', 'debug');
      await pcA.online();
      await pcA.daemon().stop();
    }
    expect((await t440.account(login))?.state).toBe('refreshing');
    expect(counts(login)).toMatchObject({ exchanges: 0, reuses: 0 });
  });
});
