import { z } from 'zod';
import { accountId, profileId, sentence, storeId } from './fields.ts';
import { claimsPerMessageMax } from './limits.ts';

/** What an operator calls sessions that share one limit. */
export const poolName = z.string().min(1).max(64);

/** Which sessions come back when a claim is granted. */
export const claimant = z.discriminatedUnion('type', [
  /** Those that the recovery of a store wakes: its dead login gets a live one. */
  z.object({ type: z.literal('store'), store: storeId, profile: profileId, account: accountId }),
  /** Those that a command of an operator starts (`exec`). */
  z.object({ type: z.literal('command'), pool: poolName }),
]);
export type Claimant = z.infer<typeof claimant>;

/**
 * How a permit ended: the login was used, the health command passed, the settle time ended without a failure; the
 * sessions failed to come back; or the permit was given back without having been used.
 */
export const permitOutcome = z.enum(['used', 'passed', 'elapsed', 'failed', 'unused']);
export type PermitOutcome = z.infer<typeof permitOutcome>;

/** A request for a permit, or the permit that came of it. */
export const claim = z.object({
  /** Unique in one run of the agent. */
  id: z.number().int().min(1),
  claimant,
  /** Sessions that come back together. */
  sessions: z.number().int().min(1).max(10_000),
  /** How long they take to come back, where that is not the pool's own settle time. */
  settleMs: z
    .number()
    .min(0)
    .max(24 * 60 * 60 * 1_000)
    .optional(),
  /** Its login works: it was held back for the limit alone, and needs no canary. */
  isSound: z.boolean().optional(),
  /** `holding`: nothing was begun under it yet. `begun`: its sessions may be coming back. */
  phase: z.enum(['waiting', 'holding', 'begun', 'settled']),
  /** Unless it waits: the epoch of the permit. */
  epoch: z.number().int().min(0).optional(),
  /** With `settled`. */
  outcome: permitOutcome.optional(),
  /** With `failed`: what was seen. */
  why: sentence.optional(),
});
export type Claim = z.infer<typeof claim>;

/** A provider's limit, newly seen in a store: too many requests at once, or a quota that is used up. */
export const limitSignal = z.object({
  account: accountId,
  profile: profileId,
  kind: z.enum(['rate-limit', 'quota']),
  /** How long the provider, or OpenClaw, says to wait. */
  resumesInMs: z.number().int().min(0).optional(),
});
export type LimitSignal = z.infer<typeof limitSignal>;

/**
 * All claims of a node. Each message says all of it, so that one is request, renewal, release and report in one: a
 * claim that is new asks, one that holds or has begun renews, one that is gone was given up.
 */
export const claimsReport = z.object({
  /** Names this run of the agent: what an earlier run held is lost, not given back. */
  run: z.string().min(1).max(64),
  /** Rises with each report; the answer carries it, and with it the moment that a permit is counted from. */
  number: z.number().int().min(1),
  claims: z.array(claim).max(claimsPerMessageMax),
  signals: z.array(limitSignal).max(claimsPerMessageMax),
});
export type ClaimsReport = z.infer<typeof claimsReport>;

/** A permit: the right to bring the sessions of one claim back. */
export const permit = z.object({
  id: z.number().int().min(1),
  pool: poolName,
  epoch: z.number().int().min(0),
  /** Counted by the node from the moment when it sent the report that is answered. */
  leaseMs: z.number().min(0),
  settleMs: z.number().min(0),
  /** Ends 0 once the sessions are back; a node runs it only where its own configuration allows it. */
  healthCommand: z.string().max(4_096).optional(),
});
export type Permit = z.infer<typeof permit>;

/** A claim that waits: its place, and what for. */
export const queued = z.object({
  id: z.number().int().min(1),
  pool: poolName,
  /** 1: next. */
  place: z.number().int().min(1),
  etaMs: z.number().min(0),
  why: sentence,
});
export type Queued = z.infer<typeof queued>;

/** The answer to a report, and again when one of its claims is granted. */
export const permits = z.object({
  type: z.literal('permits'),
  run: z.string().max(64),
  number: z.number().int().min(1),
  granted: z.array(permit).max(claimsPerMessageMax),
  queued: z.array(queued).max(claimsPerMessageMax),
  /** Claims that can never be granted as they are. */
  refused: z.array(z.object({ id: z.number().int().min(1), reason: sentence })).max(claimsPerMessageMax),
});
export type Permits = z.infer<typeof permits>;

/** Sessions of a login that took a turn within the last minute. */
export const runningSessions = z.object({
  account: accountId,
  profile: profileId,
  sessions: z.number().int().min(1).max(10_000),
});
export type RunningSessions = z.infer<typeof runningSessions>;

/** How many sessions of a pool were at work at once, minute by minute, in the last 30 days. */
export const observedConcurrency = z.object({
  p50: z.number().int().min(1),
  p95: z.number().int().min(1),
  peak: z.number().int().min(1),
  /** Days on which any were. */
  days: z.number().int().min(1),
  /** Sessions that the fleet's stores have in the pool. */
  sessions: z.number().int().min(0),
});
export type ObservedConcurrency = z.infer<typeof observedConcurrency>;

/** A pool as the coordinator sees it. */
export const poolView = z.object({
  name: poolName,
  match: z.array(z.string()),
  limit: z.number().int().min(1),
  /** Where a budget of starts is smaller than the limit: the most that can be let go together. */
  together: z.number().int().min(1).optional(),
  /** What may come back at once right now. */
  live: z.number().int().min(0),
  /** Sessions that are coming back. */
  recovering: z.number().int().min(0),
  waiting: z.number().int().min(0),
  /** Until nobody waits any more; null: that cannot be told. */
  etaMs: z.number().min(0).nullable(),
  settleMs: z.number().min(0),
  phase: z.enum(['steady', 'canary', 'ramp', 'halted', 'closed', 'barrier']),
  /** Why nothing is granted, or less than the limit. */
  why: sentence.optional(),
  healthCommand: z.string().max(4_096).optional(),
  /** Absent where none were seen yet. */
  observed: observedConcurrency.optional(),
  /** For logins that no pool of the configuration matches. */
  isDefault: z.boolean().optional(),
});
export type PoolView = z.infer<typeof poolView>;
