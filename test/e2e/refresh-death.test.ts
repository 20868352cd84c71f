import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';
import { accessIn, provider, type RefreshScene, renewedOn, startRefreshScene } from './refresh-scene.ts';

const stage = useStage();
let scene: RefreshScene;
let pcA: Host;
let mac: Host;

beforeAll(async () => {
  scene = await startRefreshScene(stage, { lifeSeconds: 1_200, names: ['pc-a', 'mac'], custody: 'copy' });
  [pcA, mac] = scene.hosts as [Host, Host];
}, 90_000);
afterAll(() => scene.stop());

it('a host that wakes with an ancestor, and spends it before it is healed, is named when the login is dead', async () => {
  const login = owner(provider);
  await scene.signIn(login);
  await until('both hosts hold the pair', () => mac.store().entry(login.profile)?.refresh !== undefined);
  const pair = mac.store().entry(login.profile) ?? {};
  await mac.daemon().stop();
  expect((await pcA.agent('refresh', login.profile)).code).toBe(0);
  await renewedOn(scene.server, [pcA], login, String(pair.access));
  // It wakes: its OpenClaw is faster than its agent, and the provider takes the second use for theft.
  expect(await scene.server.spend(String(pair.refresh))).toBe(false);
  await mac.start('--log-level', 'debug');
  await mac.store().holds(login.profile, pcA.store().entry(login.profile) ?? {});
  const { code, stderr } = await pcA.agent('refresh', login.profile);
  expect([code, stderr]).toEqual([1, expect.stringContaining('needs-login')]);
  await pcA.accountIs(login, account => account?.state === 'needs-login');
  const status = statusDocument.parse((await pcA.json('status')).document);
  const problems = (await pcA.agent('status')).stdout;
  expect(status.accounts.find(({ account }) => account.endsWith(login.account))?.state).toBe('needs-login');
  expect(problems).toMatch(/mac has come back with an older pair of it since: .* has ended the login for all/);
  expect(accessIn(mac, login)).toBe(accessIn(pcA, login));
  expect(scene.server.counts(login.account)).toMatchObject({ reuses: 1 });
});
