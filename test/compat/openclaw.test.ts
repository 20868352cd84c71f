import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFixture, type Fixture, hour, shared } from './fixture.ts';
import { pool } from './fleet.ts';
import { type Agent, agents, allAgents, type Gateway } from './host.ts';
import { releasesFor } from './release.ts';
import { playRounds, wordsOf } from './rounds.ts';

const rounds = Number(process.env.AUTHMESH_COMPAT_ROUNDS ?? 200);
const seed = Number(process.env.AUTHMESH_COMPAT_SEED ?? 1);

/** Agents of the second host whose own store says that they wait. */
async function heldAgents({ b }: Fixture): Promise<readonly Agent[]> {
  const stores = await Promise.all(allAgents.map(async agent => ({ agent, store: await b.readStore(agent) })));
  return stores.filter(({ store }) => store.usageStats?.[shared]?.disabledUntil).map(({ agent }) => agent);
}

/** Whether a turn of the agent got the provider's answer. */
async function isAnswered(gateway: Gateway, agent: Agent): Promise<boolean> {
  const { text } = await gateway.turn(agent);
  return text.includes('"content":"ok"');
}

/** Checks of one release share a fleet and run in this order: each leaves a living login on both hosts. */
describe.each(releasesFor('long'))('OpenClaw %s', version => {
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await createFixture(version);
  });
  let keep = process.env.AUTHMESH_COMPAT_KEEP !== undefined;
  afterEach(({ task }) => {
    keep ||= task.result?.state === 'fail';
  });
  afterAll(() => fixture?.stop(keep));

  it('a dead copy is healed when its host joins', async () => {
    const login = (await fixture.a.readStore()).profiles[shared];
    await fixture.delivered(String(login?.access));
    expect((await fixture.b.readStore()).profiles[shared]?.expires).toBe(login?.expires);
  });

  it('a login renewed on one host is seen by models status of the other', async () => {
    // Without a refresh token, what ends within a day is `expiring` to this command.
    const login = await fixture.renew(48 * hour);
    const seen = async (): Promise<object | undefined> => {
      const found = (await fixture.b.status()).find(({ profileId }) => profileId === shared);
      return found && { status: found.status, expiresAt: found.expiresAt };
    };
    await expect.poll(seen, { timeout: 30_000 }).toEqual({ status: 'ok', expiresAt: login.expires });
  });

  it('the next turn of a running gateway uses it', async () => {
    const login = await fixture.renew(hour);
    await fixture.delivered(login.access);
    expect(await fixture.bearersOfTurn()).toEqual([login.name]);
  });

  it('the next turn started by the command line uses it', async () => {
    const login = await fixture.renew(hour);
    await fixture.delivered(login.access);
    const before = fixture.provider.bearers.length;
    const turn = await fixture.b.openclaw(['agent', '--agent', 'main', '--message', 'Say ok.', '--json']);
    expect(turn.code).toBe(0);
    expect(fixture.provider.bearers.slice(before)).toEqual([login.name]);
  });

  it('the turn of another agent of the host uses it too', async () => {
    const login = await fixture.renew(hour);
    await fixture.delivered(login.access, 'work');
    expect(await fixture.bearersOfTurn('work')).toEqual([login.name]);
  });

  it('only the home holds a refresh token', async () => {
    const home = await fixture.a.readStore();
    expect(typeof home.profiles[shared]?.refresh).toBe('string');
    for (const agent of ['main', 'work'] as const) {
      const { profiles } = await fixture.b.readStore(agent);
      expect(Object.keys(profiles).filter(id => profiles[id] && 'refresh' in profiles[id])).toEqual([]);
      expect(profiles[shared]?.type).toBe('oauth');
    }
  });

  it('a dead bearer form is not refreshed, and heals with the next delivery', async () => {
    const dying = await fixture.renew(3_000);
    await fixture.delivered(dying.access);
    expect(await fixture.bearersOfTurn()).toEqual([dying.name]);
    await expect.poll(() => Date.now() > dying.expires, { timeout: 10_000 }).toBe(true);
    const before = await fixture.entryOnB();
    expect(await fixture.bearersOfTurn()).toEqual(['spare']);
    expect(fixture.provider.exchanges).toEqual([]);
    expect(JSON.stringify(await fixture.entryOnB()) === JSON.stringify(before)).toBe(true);
    // The home's own OpenClaw refreshes for its next turn.
    const turn = await fixture.a.openclaw(['agent', '--local', '--agent', 'main', '--message', 'Say ok.']);
    expect(turn.code).toBe(0);
    expect(fixture.provider.exchanges).toEqual([{ granted: true }]);
    const refreshed = fixture.provider.bearers.at(-1);
    await fixture.delivered(String((await fixture.a.readStore()).profiles[shared]?.access));
    expect(await fixture.bearersOfTurn()).toEqual([refreshed]);
    expect((await fixture.entryOnB())?.refresh === undefined).toBe(true);
  });

  it('the cooldown of an authentication failure goes with the healing delivery', async () => {
    const revoked = await fixture.renew(hour);
    await fixture.delivered(revoked.access);
    fixture.provider.refuse(revoked.access, 401);
    expect(await fixture.bearersOfTurn()).toEqual([revoked.name, 'spare']);
    expect(await fixture.bearersOfTurn()).toEqual(['spare']);
    expect((await fixture.b.readStore()).usageStats?.[shared]?.cooldownUntil).toBeGreaterThan(Date.now());
    const healing = await fixture.renew(hour);
    await fixture.delivered(healing.access);
    expect((await fixture.b.readStore()).usageStats?.[shared]?.cooldownUntil).toBeUndefined();
    expect(await fixture.bearersOfTurn()).toEqual([healing.name]);
  });

  it('the cooldown of a rate limit stays', async () => {
    const limited = await fixture.renew(hour);
    await fixture.delivered(limited.access);
    fixture.provider.refuse(limited.access, 429);
    // OpenClaw tries a limited login several times before it falls back.
    expect(new Set(await fixture.bearersOfTurn())).toEqual(new Set([limited.name, 'spare']));
    const until = (await fixture.b.readStore()).usageStats?.[shared]?.cooldownUntil;
    expect(until).toBeGreaterThan(Date.now());
    const next = await fixture.renew(hour);
    await fixture.delivered(next.access);
    expect((await fixture.b.readStore()).usageStats?.[shared]?.cooldownUntil).toBe(until);
  });

  it(`${rounds} rounds of OpenClaw writing during deliveries lose nothing`, async ({ annotate }) => {
    const { b, openclawB: openclaw, renew, delivered, bearersOfTurn: turn } = fixture;
    const tally = await playRounds({ openclaw, renew, delivered, turn, readStore: b.readStore }, rounds, seed);
    await annotate(wordsOf(tally));
    expect(tally.lost).toEqual([]);
    await fixture.delivered(String((await fixture.a.readStore()).profiles[shared]?.access), 'work');
  }, 900_000);

  it('a planned restart of fifteen agents: never more than four come back at once', async ({ annotate }) => {
    const login = await fixture.renew(hour);
    for (const agent of agents) await fixture.delivered(login.access, agent);
    const mostAtOnce = fixture.provider.slowDown(1_000);
    const gateway = await fixture.restart(login);
    const paused = await heldAgents(fixture);
    expect(paused.length).toBeGreaterThanOrEqual(allAgents.length - pool.limit);
    // What is held gives no answer, and asks the provider nothing.
    const before = fixture.provider.bearers.length;
    expect(await isAnswered(gateway, paused[0] ?? '')).toBe(false);
    expect(fixture.provider.bearers.length).toBe(before);
    const begun = performance.now();
    await Promise.all(
      allAgents.map(agent =>
        expect.poll(() => isAnswered(gateway, agent), { timeout: 120_000, interval: 500 }).toBe(true),
      ),
    );
    await annotate(`all back in ${Math.round((performance.now() - begun) / 1_000)} s, ${mostAtOnce()} at once`);
    expect(mostAtOnce()).toBeGreaterThan(1);
    expect(mostAtOnce()).toBeLessThanOrEqual(pool.limit);
    expect(await heldAgents(fixture)).toEqual([]);
    fixture.provider.slowDown(0);
  }, 240_000);

  it('nothing left this machine, and no program of authmesh said a secret', async () => {
    expect(await fixture.refused()).toEqual([]);
    const status = await fixture.fleet.agent(fixture.b, ['status', '--json']);
    const said = [fixture.fleet.output(), status.stdout, status.stderr].join('\n');
    expect(fixture.provider.secrets().filter(secret => said.includes(secret)).length).toBe(0);
    expect(status.code).toBe(0);
  });
});
