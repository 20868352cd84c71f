import { fraction } from '@authmesh/shared/core/chance';
import { hour, notes, shared, spare } from './fixture.ts';
import { provider as providerId } from './host.ts';
import type { OpenClaw } from './openclaw.ts';
import { type Login, secret } from './provider.ts';
import type { Store } from './store.ts';

/** The two hosts of the rounds. */
export interface Scene {
  /** The owner signs in again on the first host. */
  renew(lifeMs: number): Login | Promise<Login>;
  /** Waits until the second host's store holds this access token. */
  delivered(access: string): Promise<void>;
  /** What stands in the second host's store by now. */
  readStore(): Pick<Store, 'profiles' | 'order' | 'usageStats'> | Promise<Store>;
  /** The second host's own store code. */
  readonly openclaw: OpenClaw;
  /** One turn of the second host's running gateway, where rounds have any. */
  turn?(): Promise<unknown>;
}

/** What a series of rounds came to. `lost` names every last word of either side that was not on disk at the end. */
export interface Tally {
  readonly writes: number;
  readonly turns: number;
  readonly deliveryMs: readonly number[];
  readonly lost: readonly string[];
}

/** The tally for the table. */
export function wordsOf({ writes, turns, deliveryMs }: Tally): string {
  const sorted = deliveryMs.toSorted((one, other) => one - other);
  const at = (part: number): string => `${Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)} ms`;
  return `${writes} writes and ${turns} turns of OpenClaw; delivered in ${at(0.5)} (median), ${at(1)} (longest)`;
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
export async function playRounds(scene: Scene, count: number, seed: number): Promise<Tally> {
  const lost: string[] = [];
  const deliveryMs: number[] = [];
  let writes = 0;
  let turns = 0;
  for (let round = 1; round <= count && lost.length < lostMax; round += 1) {
    const turn = round % turnEvery === 0 ? scene.turn : undefined;
    const writer = startWriter(scene.openclaw, seed + round * 1_000, turn === undefined);
    const began = performance.now();
    const login = await scene.renew(hour + round * 1_000);
    if (turn) {
      await turn();
      turns += 1;
    }
    const arrived = await scene.delivered(login.access).then(
      () => true,
      () => false,
    );
    deliveryMs.push(performance.now() - began);
    const last = await writer.stop();
    writes += last.writes;
    const store = await scene.readStore();
    const miss = (what: string): void => void lost.push(`round ${round}: ${what}`);
    if (!arrived) miss('the renewed login was not delivered');
    if (!isOrder(store.order?.[providerId], last.order)) miss('the order that OpenClaw set');
    if (last.token !== undefined && store.profiles[notes]?.token !== last.token) miss('the token that OpenClaw saved');
    if (last.usedAt !== undefined && !(Number(store.usageStats?.[spare]?.lastUsed) >= last.usedAt))
      miss('the time of use that OpenClaw noted');
    // OpenClaw saves some things without its lock, from what it read a moment before: the login is put back then.
    if (store.profiles[shared]?.access !== login.access) {
      await scene.delivered(login.access).catch(() => miss('the login that OpenClaw overwrote was not put back'));
    }
    if (store.profiles[shared]?.refresh !== undefined) miss('the second host holds a refresh token');
  }
  return { writes, turns, deliveryMs, lost };
}

/** 2026.5.28 and 2026.7.1 keep of an order what they have profiles for. */
function isOrder(found: readonly string[] | undefined, set: readonly string[]): boolean {
  return found?.join() === set.join() || found?.join() === set.slice(0, 2).join();
}

interface LastWords {
  readonly writes: number;
  readonly order: readonly string[];
  readonly token: string | undefined;
  readonly usedAt: number | undefined;
}

/**
 * OpenClaw's own functions, one after the other, with short pauses. In rounds with a turn nothing is saved without a
 * lock (`unlocked` false): there OpenClaw could lose its own words to itself.
 */
function startWriter(openclaw: OpenClaw, seed: number, unlocked: boolean): { stop(): Promise<LastWords> } {
  let stopped = false;
  const write = async (): Promise<LastWords> => {
    let last: LastWords = { writes: 0, order: [], token: undefined, usedAt: undefined };
    while (!stopped || last.writes === 0) {
      const known = last.order[0] === shared ? [spare, shared] : [shared, spare];
      const order = [...known, `${providerId}:${seed}-${last.writes}`];
      await openclaw.setOrder(providerId, order);
      const usedAt = openclaw.markUsed && Date.now();
      await openclaw.markUsed?.(spare);
      const token = unlocked ? secret('notes') : undefined;
      if (token !== undefined) await openclaw.upsert(notes, { type: 'token', provider: 'lab', token });
      last = { writes: last.writes + 1 + (usedAt ? 1 : 0) + (token ? 1 : 0), order, token, usedAt };
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
