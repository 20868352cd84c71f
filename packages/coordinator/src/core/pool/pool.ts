import type { NodeId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { Claim, Claimant } from '@authmesh/shared/protocol/permit';
import { createPace, type Lot, type Pace } from './pace.ts';
import { createQueue, type Queue } from './queue.ts';
import { createStarts, type Starts } from './starts.ts';
import type { PoolTerms } from './terms.ts';

/** The right of a node to bring the sessions of one claim back. */
export interface Permit extends Lot {
  readonly node: NodeId;
  /** The run of the agent that asked: what another run of it says is not about this permit. */
  readonly run: string;
  readonly id: number;
  readonly claimant: Claimant;
  readonly settleMs: Milliseconds;
  readonly epoch: number;
  /** When its sessions were counted as starts, by the elapsed clock; absent where an earlier coordinator gave it. */
  readonly startedAt?: Milliseconds | undefined;
  /** By the elapsed clock: not renewed until then, it is lost. */
  readonly until: Milliseconds;
  /** Nobody renewed it: it counts for the grace time, for its sessions may be coming back all the same. */
  readonly isLost: boolean;
  /** Its sessions were refused: it counts for as long as they would have needed, for they made no room for others. */
  readonly isRefused?: boolean | undefined;
}

/** Sessions that share one limit, what waits for them, and what is coming back. */
export interface Pool {
  terms: PoolTerms;
  /** Not in the configuration any more: it ends with its last permit. */
  isRetired: boolean;
  pace: Pace;
  readonly queue: Queue;
  /** By `permitKey`. */
  readonly permits: Map<string, Permit>;
  /** Sessions of all permits, the lost ones too. */
  active: number;
  readonly starts: Starts;
  /** Since when nothing waits and nothing is under way. */
  quietSince?: Milliseconds | undefined;
  /** Since when nothing is under way though something waits. */
  idleSince?: Milliseconds | undefined;
}

/** What a node last said of itself. */
export interface NodeClaims {
  readonly run: string;
  readonly number: number;
  /** Claims of it that can never be granted as they are, and why. */
  readonly refused: Map<number, string>;
}

export interface PoolsState {
  terms: readonly PoolTerms[];
  /** Of the permits that this coordinator gives; absent until it is durable that it is above all before. */
  epoch?: number | undefined;
  /** Holders of an earlier coordinator's permits may be at work until then; nothing is granted. */
  barrierUntil: Milliseconds;
  readonly pools: Map<string, Pool>;
  readonly nodes: Map<NodeId, NodeClaims>;
  /** When the `pools` timer is set for. */
  timerAt?: Milliseconds | undefined;
}

/** The longest time that a claim too large for the free part of the limit is passed by smaller ones. */
export const passedMsMax: Milliseconds = minute;

export function createPools(terms: readonly PoolTerms[]): PoolsState {
  return { terms, barrierUntil: 0, pools: new Map(), nodes: new Map() };
}

/** The pool of these terms; made when it is first needed. */
export function poolOf(state: PoolsState, terms: PoolTerms): Pool {
  const known = state.pools.get(terms.name);
  if (known) return known;
  const pool: Pool = {
    terms,
    isRetired: false,
    pace: createPace(terms.limit),
    queue: createQueue(),
    permits: new Map(),
    active: 0,
    starts: createStarts(),
  };
  state.pools.set(terms.name, pool);
  return pool;
}

/** Names a permit among all of a pool. */
export function permitKey(node: NodeId, run: string, id: number): string {
  return `${node} ${run} ${id}`;
}

/** Counts a permit in, or replaces it. */
export function putPermit(pool: Pool, permit: Permit): void {
  const key = permitKey(permit.node, permit.run, permit.id);
  pool.active += permit.sessions - (pool.permits.get(key)?.sessions ?? 0);
  pool.permits.set(key, permit);
}

/** Counts a permit out. */
export function dropPermit(pool: Pool, permit: Permit): void {
  if (pool.permits.delete(permitKey(permit.node, permit.run, permit.id))) pool.active -= permit.sessions;
}

/** A recovery larger than the whole limit takes all of it: waiting for more would be waiting for ever. */
export function sessionsOf(claim: Claim, { limit }: PoolTerms): number {
  return claim.claimant.type === 'store' ? Math.min(claim.sessions, limit) : claim.sessions;
}
