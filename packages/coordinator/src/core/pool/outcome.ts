import { note } from '@authmesh/shared/core/notes';
import type { ClaimsReport, PermitOutcome } from '@authmesh/shared/protocol/permit';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState } from '../state.ts';
import { cameBack, failedToReturn, type Pace } from './pace.ts';
import { dropPermit, type Permit, type Pool, putPermit } from './pool.ts';
import { uncountStart } from './starts.ts';
import { leaseMsOf } from './terms.ts';

/** What the report says of a permit: renewed, given back, or another run of the agent that knows nothing of it. */
export function settlePermit(
  state: CoordinatorState,
  pool: Pool,
  permit: Permit,
  report: ClaimsReport,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  // Lost with its process: its sessions may be coming back, so it counts until its time is over.
  if (permit.run !== report.run || permit.isRefused) return;
  const claim = report.claims.find(({ id }) => id === permit.id);
  if (claim && claim.phase !== 'settled') {
    putPermit(pool, { ...permit, until: state.elapsed + leaseMsOf(permit.settleMs), isLost: false });
    return;
  }
  dropPermit(pool, permit);
  const outcome = claim?.outcome ?? 'unused';
  judgeOutcome(state, pool, permit, outcome, claim?.why ?? 'it failed', seed, effects);
  // A refusal comes at once: another one in the same place would be refused as well.
  const { phase } = pool.pace;
  if (outcome === 'failed' && (phase === 'ramp' || phase === 'steady') && !isAside(pool, permit)) {
    putPermit(pool, { ...permit, until: state.elapsed + permit.settleMs, isLost: false, isRefused: true });
  }
}

function judgeOutcome(
  state: CoordinatorState,
  pool: Pool,
  permit: Permit,
  outcome: PermitOutcome,
  why: string,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  if (outcome === 'unused') {
    uncountStart(pool.starts, pool.terms, permit);
    return;
  }
  const details = { node: permit.node, why: pool.terms.name };
  if (outcome !== 'failed') {
    pool.pace = cameBack(pool.pace, permit, pool.terms.limit);
    effects.push(note('sessions-returned', details));
    return;
  }
  const before = pool.pace;
  if (!isAside(pool, permit)) pool.pace = failedToReturn(before, permit, why, state.elapsed, seed);
  effects.push(note('sessions-failed', { ...details, why: `${pool.terms.name}: ${why}` }));
  if (pool.pace.phase === 'halted') {
    if (before.phase !== 'halted') effects.push(note('recovery-halted', details));
  } else if (pool.pace.live < before.live) {
    effects.push(note('limit-lowered', { ...details, why: lowered(pool, before) }));
  }
}

/** A command that fails where nothing recovers has its own reasons: nobody else is to come slower for that. */
function isAside({ pace }: Pool, { claimant }: Permit): boolean {
  return pace.phase === 'steady' && claimant.type === 'command';
}

/** From which limit to which, as a note says it. */
export function lowered({ terms, pace }: Pool, before: Pace): string {
  return `${terms.name}: ${before.live} to ${pace.live}`;
}
