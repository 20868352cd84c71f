import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { type Owner, owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';
import { accessIn, holdsBytes, provider, type RefreshScene, renewedOn, startRefreshScene } from './refresh-scene.ts';

const stage = useStage();
let scene: RefreshScene;
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  scene = await startRefreshScene(stage, { lifeSeconds: 8, names: ['pc-a', 't440'] });
  [pcA, t440] = scene.hosts as [Host, Host];
}, 90_000);
afterAll(() => scene.stop());

const counts = (login: Owner) => scene.server.counts(login.account);
const refreshIn = (host: Host, login: Owner) => host.store().entry(login.profile)?.refresh;
const holders = (login: Owner) =>
  scene.hosts.filter(host => refreshIn(host, login) !== undefined).map(host => host.name);

/** Agents of both hosts use what their stores hold, again and again; how often it was good, and how often not. */
function useTurns(login: Owner): { readonly good: () => number; readonly stop: () => number } {
  let good = 0;
  let failed = 0;
  const timer = setInterval(() => {
    for (const host of scene.hosts) {
      if (scene.server.isAccessGood(accessIn(host, login))) good++;
      else failed++;
    }
  }, 20);
  return {
    good: () => good,
    stop: () => {
      clearInterval(timer);
      return failed;
    },
  };
}

async function setCustody(custody: string): Promise<void> {
  for (const host of scene.hosts) {
    host.configure({ custody });
    host.daemon().signal('SIGHUP');
  }
}

it('changes while the login is used and renewed, in either direction, and nothing is lost', async () => {
  const login = owner(provider);
  await scene.signIn(login);
  const turns = useTurns(login);
  for (const [custody, expected] of [
    ['vault', []],
    ['home', ['pc-a']],
    ['copy', ['pc-a', 't440']],
    ['vault', []],
    ['home', ['pc-a']],
  ] as const) {
    await setCustody(custody);
    await until(`custody ${custody} is as it should be`, () => `${holders(login)}` === `${expected}`);
    const before = accessIn(pcA, login);
    const refresh = refreshIn(pcA, login);
    await renewedOn(scene.server, scene.hosts, login, before);
    await until(`${custody} after a renewal`, () => `${holders(login)}` === `${expected}`);
    if (custody === 'home') {
      expect(refreshIn(pcA, login)).not.toBe(refresh);
      expect(holdsBytes(t440, String(refreshIn(pcA, login)))).toBe(false);
    }
  }
  expect([turns.stop(), turns.good() > 500]).toEqual([0, true]);
  expect(counts(login)).toMatchObject({ reuses: 0, refused: 0 });
});

it('vault has a login sleep while all of authmesh is away, and heals it on the return', async () => {
  const login = owner(provider);
  await scene.signIn(login);
  await until('no store holds the refresh token', () => holders(login).length === 0);
  for (const host of scene.hosts) await host.daemon().stop();
  await scene.fleet.coordinator.daemon().stop();
  const before = accessIn(pcA, login);
  await until('the access token is dead', () => !scene.server.isAccessGood(before));
  await scene.fleet.coordinator.start('--log-level', 'debug');
  for (const host of scene.hosts) await host.start('--log-level', 'debug');
  await renewedOn(scene.server, scene.hosts, login, before);
  expect(counts(login)).toMatchObject({ reuses: 0, refused: 0 });
});

it('vault leaves a host that sleeps past the end nothing to spend, and heals it when it wakes', async () => {
  const login = owner(provider);
  await scene.signIn(login);
  await until('no store holds the refresh token', () => holders(login).length === 0);
  const agent = t440.daemon();
  agent.signal('SIGSTOP');
  const asleep = accessIn(t440, login);
  await until('what it has is dead', () => !scene.server.isAccessGood(asleep));
  expect([accessIn(t440, login), refreshIn(t440, login)]).toEqual([asleep, undefined]);
  agent.signal('SIGCONT');
  await renewedOn(scene.server, [t440], login, asleep);
  expect(counts(login)).toMatchObject({ reuses: 0, refused: 0 });
});
