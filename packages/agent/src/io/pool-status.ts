import type { Claim } from '@authmesh/agent/core/permit/claim';
import { describeUse } from '@authmesh/shared/core/limit-advice';
import { type Instant, second } from '@authmesh/shared/core/time';
import type { PoolView } from '@authmesh/shared/protocol/permit';

/** A limit that sessions share, and what waits for it. */
export interface PoolStatus {
  readonly name: string;
  readonly limit: number;
  /** What may come back at once right now. */
  readonly live: number;
  readonly recovering: number;
  readonly waiting: number;
  /** Until nobody waits; null: that cannot be told. */
  readonly etaSeconds: number | null;
  readonly settleSeconds: number;
  readonly phase: PoolView['phase'];
  /** Why less comes back than the limit allows. */
  readonly why?: string | undefined;
  /** No pool of the coordinator's configuration matches its logins. */
  readonly isDefault: boolean;
  /** How many of its sessions were at work at once, in the last thirty days; null: none were seen yet. */
  readonly observed: PoolView['observed'] | null;
  /** The limit to recommend by that, and why. */
  readonly recommendedLimit: number | null;
  readonly recommendedWhy: string | null;
}

/** A pool as `status` shows it. */
export function poolStatus(view: PoolView): PoolStatus {
  const { name, limit, live, recovering, waiting, etaMs, settleMs, phase, why, observed, isDefault = false } = view;
  const etaSeconds = etaMs === null ? null : Math.ceil(etaMs / second);
  return {
    name,
    limit,
    live,
    recovering,
    waiting,
    etaSeconds,
    settleSeconds: settleMs / second,
    phase,
    why,
    isDefault,
    ...describeUse(settleMs, observed),
  };
}

/** Why a main agent's store waits though it stands in no line. */
export const lastSentence = 'it is healed when the other agents of this host have theirs, for they fall back to it';

/** What an agent that is held back waits for, in words. */
export function heldSentence(until: Instant, queued: Claim['queued']): string {
  const turn = queued ? `place ${queued.place}; ${queued.why}` : 'its turn comes after the start of the command';
  return `it is held back by a mark until ${new Date(until).toISOString()}, or until its turn: ${turn}`;
}

/** What a copy waits for, in words. */
export function turnSentence(queued: Claim['queued']): string {
  if (!queued) return 'it waits for its turn to be healed; the coordinator has not said when';
  const eta = queued.etaMs > 0 ? `, about ${Math.ceil(queued.etaMs / second)} s` : '';
  return `it waits for its turn to be healed: place ${queued.place}${eta}; ${queued.why}`;
}
