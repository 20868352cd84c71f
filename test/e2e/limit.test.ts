import { afterEach, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { oauth, owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();
const pools = [{ name: 'web', match: ['*'], limit: 9, settleSeconds: 2 }];
const agents = ['main', 'work', 'night'];
const turnMs = 5_000;

let turns: NodeJS.Timeout | undefined;
afterEach(() => clearInterval(turns));

it('the limit to set is told by the sessions that were seen at work, also after a restart of the coordinator', {
  timeout: 150_000,
}, async () => {
  const fleet = await stage.fleet({ coordinator: { pools } });
  const host = fleet.host('t440');
  const login = owner();
  for (const agent of agents) host.store(agent).put(login.profile, oauth(login));
  await fleet.join(host);
  await host.start('--log-level', 'debug');
  // Two of three agents take a turn every few seconds: OpenClaw notes each.
  turns = setInterval(() => {
    for (const agent of agents.slice(0, 2)) {
      const store = host.store(agent);
      store.write(JSON.stringify({ ...store.read(), usageStats: { [login.profile]: { lastUsed: Date.now() } } }));
    }
  }, turnMs);
  const web = async () => (await host.status()).pools.find(({ name }) => name === 'web');
  await until('the coordinator has seen them at work', async () => (await web())?.observed != null, 120_000);
  expect(await web()).toMatchObject({
    observed: { p50: 2, p95: 2, peak: 2, days: 1, sessions: 3 },
    recommendedLimit: 3,
    recommendedWhy: 'peak 2 of 3 over 1 day; 3 is all of them',
  });
  const plan = ['plan', '--pool', 'web', '--sessions', '3'];
  const advised = { recommendedLimit: 3, why: 'peak 2 of 3 over 1 day; 3 is all of them' };
  expect((await host.json(...plan)).document).toMatchObject(advised);
  await fleet.coordinator.daemon().stop();
  await fleet.coordinator.start('--log-level', 'debug');
  expect((await host.json(...plan)).document).toMatchObject(advised);
});
