import { fraction } from '@authmesh/shared/core/chance';
import { type Fixture, hour, notes, shared, spare } from './fixture.ts';
import { provider as providerId } from './host.ts';
import { secret } from './provider.ts';

/** What a series of rounds came to. `lost` names every last word of either side that was not on disk at the end. */
export interface Tally {
  readonly writes: number;
  readonly turns: number;
  readonly deliveryMs: readonly number[];
  readonly lost: readonly string[];
}

/** Rounds that come after this many losses would say nothing new. */
const lostMax = 10;
const pauseMsMax = 20;
/** Every tenth round a turn of the running gateway writes too. */
const turnEvery = 10;

/**
 * In each round the login is renewed on the first host while the second host's own OpenClaw writes its store without
 * rest, until the delivery is on disk. Then each side's last word is looked for.
 */
export async function playRounds(fixture: Fixture, count: number, seed: number): Promise<Tally> {
  const lost: string[] = [];
  const deliveryMs: number[] = [];
  let writes = 0;
  let turns = 0;
  for (let round = 1; round <= count && lost.length < lostMax; round += 1) {
    const writer = startWriter(fixture, seed + round * 1_000, round % turnEvery !== 0);
    const began = performance.now();
    const login = await fixture.renew(hour + round * 1_000);
    if (round % turnEvery === 0) {
      await fixture.bearersOfTurn();
      turns += 1;
    }
    const arrived = await fixture.delivered(login.access).then(
      () => true,
      () => false,
    );
    deliveryMs.push(performance.now() - began);
    const last = await writer.stop();
    writes += last.writes;
    const store = await fixture.b.readStore();
    const miss = (what: string): void => void lost.push(`round ${round}: ${what}`);
    if (!arrived) miss('the renewed login was not delivered');
    if (store.order?.[providerId]?.join() !== last.order.join()) miss('the order that OpenClaw set');
    if (last.token !== undefined && store.profiles[notes]?.token !== last.token) miss('the token that OpenClaw saved');
    if (!(Number(store.usageStats?.[spare]?.lastUsed) >= last.usedAt)) miss('the time of use that OpenClaw noted');
    // OpenClaw saves some things without its lock, from what it read a moment before: the login is put back then.
    if (store.profiles[shared]?.access !== login.access) {
      await fixture.delivered(login.access).catch(() => miss('the login that OpenClaw overwrote was not put back'));
    }
    if (store.profiles[shared]?.refresh !== undefined) miss('the second host holds a refresh token');
  }
  return { writes, turns, deliveryMs, lost };
}

interface LastWords {
  readonly writes: number;
  readonly order: readonly string[];
  readonly token: string | undefined;
  readonly usedAt: number;
}

/**
 * OpenClaw's own functions, one after the other, with short pauses. In rounds with a turn nothing is saved without a
 * lock (`unlocked` false): there OpenClaw could lose its own words to itself.
 */
function startWriter({ openclawB }: Fixture, seed: number, unlocked: boolean): { stop(): Promise<LastWords> } {
  let stopped = false;
  const write = async (): Promise<LastWords> => {
    let last: LastWords = { writes: 0, order: [], token: undefined, usedAt: 0 };
    while (!stopped || last.writes === 0) {
      const order = [shared, spare, `${providerId}:${seed}-${last.writes}`];
      await openclawB.setOrder(providerId, order);
      const usedAt = Date.now();
      await openclawB.markUsed(spare);
      const token = unlocked ? secret('notes') : undefined;
      if (token !== undefined) await openclawB.upsert(notes, { type: 'token', provider: 'lab', token });
      last = { writes: last.writes + (unlocked ? 3 : 2), order, token, usedAt };
      await new Promise(resolve => setTimeout(resolve, fraction(seed + last.writes) * pauseMsMax));
    }
    return last;
  };
  const writing = write();
  return {
    stop: () => {
      stopped = true;
      return writing;
    },
  };
}
