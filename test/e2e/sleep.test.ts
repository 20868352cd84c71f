import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hour, oauth, owner } from './harness/login.ts';
import { lineOf } from './harness/program.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();

it('a host that sleeps with a permit in hand writes nothing when it wakes, before it has a new one', async () => {
  const pools = [{ name: 'web', match: ['*'], limit: 1, settleSeconds: 2 }];
  const fleet = await stage.fleet({ coordinator: { pools } });
  const [pcA, t440] = [fleet.host('pc-a'), fleet.host('t440')];
  for (const host of [pcA, t440]) {
    await fleet.join(host);
    await host.start('--log-level', 'debug');
    await host.online();
  }
  const login = owner();
  const live = oauth(login);
  pcA.store().put(login.profile, live);
  await pcA.accountIs(login, account => account?.revision === 1);
  // OpenClaw holds the lock of the store, so that the permit is in hand and the write waits.
  const lock = `${t440.store().path}.lock`;
  writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
  t440.store().put(login.profile, oauth(login, -hour));
  const agent = t440.daemon();
  await lineOf(agent, /"recovery-begun"/);
  agent.signal('SIGSTOP');
  await lineOf(fleet.coordinator.daemon(), /"permit-lost"/);
  rmSync(lock);
  const before = agent.stderr().length;
  agent.signal('SIGCONT');
  await t440.store().holds(login.profile, live);
  await lineOf(agent, /"credential-written"/);
  const events = [
    ...agent
      .stderr()
      .slice(before)
      .matchAll(/"event":"([a-z-]+)"/g),
  ].map(([, name]) => name);
  // Its permit lapses, or the lock outlasts its patience: in either case it asks anew.
  expect(events).toContain('recovery-waits');
  expect(events.indexOf('recovery-begun')).toBeGreaterThan(events.indexOf('recovery-waits'));
  expect(events.indexOf('credential-written')).toBeGreaterThan(events.indexOf('recovery-begun'));
});
