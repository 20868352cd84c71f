import type { NodeId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Claim, ClaimsReport, LimitSignal } from '@authmesh/shared/protocol/permit';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState } from '../state.ts';
import { beginEpoch } from './barrier.ts';
import { permitsOfNode, waitingOfNode } from './grant.ts';
import { lowered, settlePermit } from './outcome.ts';
import { burstOfUnknown, exhausted, limited } from './pace.ts';
import { type NodeClaims, permitKey, poolOf, putPermit, sessionsOf } from './pool.ts';
import { dequeue, enqueue, waitingOf } from './queue.ts';
import { serve } from './service.ts';
import { defaultPool, leaseMsOf, mostTogether, type PoolTerms, settleMsOf, termsFor, termsOfLogin } from './terms.ts';

/*
 * A report says all that a node claims. What it says is taken over, whatever was known before: so a report that is lost,
 * repeated or late does no harm, and a coordinator that knows nothing learns everything from the next one.
 */

/** Takes over what a node says of its claims, grants what there is room for, and answers. */
export function claimsReported(
  state: CoordinatorState,
  node: NodeId,
  report: ClaimsReport,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  const { pools, elapsed } = state;
  const before = pools.nodes.get(node);
  if (before?.run === report.run && report.number <= before.number) return;
  const said: NodeClaims = { run: report.run, number: report.number, refused: new Map() };
  pools.nodes.set(node, said);
  for (const { pool, permit } of permitsOfNode(pools, node)) settlePermit(state, pool, permit, report, seed, effects);
  const claimed = new Set(report.claims.map(({ id }) => id));
  for (const { pool, waiting } of waitingOfNode(pools, node)) {
    if (before?.run !== report.run || !claimed.has(waiting.claim.id)) dequeue(pool.queue, waiting, false);
  }
  for (const claim of report.claims) {
    if (claim.phase === 'waiting') lineUp(state, node, said, claim);
    else if (claim.phase !== 'settled') adoptPermit(state, node, report.run, claim, effects);
  }
  for (const signal of report.signals) heed(state, signal, elapsed, effects);
  serve(state, effects, report.claims.length > 0 ? node : undefined);
}

function lineUp(state: CoordinatorState, node: NodeId, { run, refused }: NodeClaims, claim: Claim): void {
  const { pools, elapsed } = state;
  const terms = termsFor(pools.terms, claim.claimant);
  if (!terms) {
    const known = [...pools.terms, defaultPool].map(({ name }) => name).join(', ');
    refused.set(claim.id, `the coordinator has no such pool; it has ${known}`);
    return;
  }
  const pool = poolOf(pools, terms);
  if (pool.permits.has(permitKey(node, run, claim.id)) || waitingOf(pool.queue, node, claim.id)) return;
  const sessions = sessionsOf(claim, terms);
  // A command that needs more than there is would wait for ever.
  if (claim.claimant.type === 'command' && sessions > mostTogether(terms)) {
    refused.set(claim.id, tooMany(terms, sessions));
    return;
  }
  enqueue(pool.queue, { node, claim: { ...claim, sessions }, since: elapsed });
}

/**
 * A permit that this coordinator does not know: of an earlier one, of this one before its store was put back, or lost.
 * Sessions that may be coming back count, whoever gave the permit. One that was not used yet counts while there may be
 * holders of an earlier coordinator's permits; after that its time is over, and its node asks again.
 */
function adoptPermit(
  state: CoordinatorState,
  node: NodeId,
  run: string,
  claim: Claim,
  effects: CoordinatorEffect[],
): void {
  const { pools, elapsed } = state;
  const terms = termsFor(pools.terms, claim.claimant);
  if (!terms || claim.epoch === undefined) return;
  const pool = poolOf(pools, terms);
  if (pool.permits.has(permitKey(node, run, claim.id))) return;
  if (pools.epoch !== undefined && claim.epoch > pools.epoch) beginEpoch(state, effects, claim.epoch);
  if (claim.phase === 'holding' && elapsed >= pools.barrierUntil) {
    effects.push(note('permit-fenced', { node, why: terms.name }));
    return;
  }
  const { id, claimant } = claim;
  const settleMs = settleMsOf(terms, claim);
  putPermit(pool, {
    node,
    run,
    id,
    claimant,
    sessions: sessionsOf(claim, terms),
    settleMs,
    epoch: claim.epoch,
    burst: burstOfUnknown(pool.pace),
    until: elapsed + leaseMsOf(settleMs),
    isLost: false,
  });
}

function tooMany(terms: PoolTerms, sessions: number): string {
  const most = mostTogether(terms);
  const what = `${sessions} sessions are more than pool ${terms.name} allows`;
  if (most === terms.limit) return `${what} at once, ${most}`;
  return `${what} to start in a ${most === terms.startsPerMinute ? 'minute' : 'day'}, ${most}`;
}

/** A provider's refusal, as OpenClaw marked it in a store. */
function heed(state: CoordinatorState, signal: LimitSignal, now: number, effects: CoordinatorEffect[]): void {
  const pool = poolOf(state.pools, termsOfLogin(state.pools.terms, signal));
  const before = pool.pace;
  if (signal.kind === 'quota') {
    const resumesInMs = signal.resumesInMs ?? pool.terms.settleMs;
    pool.pace = exhausted(before, now + resumesInMs, 'the provider says that its quota is used up');
  } else if (pool.active > 0 || pool.queue.count > 0) {
    pool.pace = limited(before);
  }
  if (pool.pace === before) return;
  const why = lowered(pool, before);
  effects.push(note(signal.kind === 'quota' ? 'pool-closed' : 'limit-lowered', { account: signal.account, why }));
}

/** A node is away: what it holds counts on, what it waits for it asks for again. */
export function nodeLeft({ pools }: CoordinatorState, node: NodeId): void {
  for (const { pool, waiting } of waitingOfNode(pools, node)) dequeue(pool.queue, waiting, false);
}
