import type { NodeId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState } from '../state.ts';
import { answerFor } from './answer.ts';
import { isHoldStale, reviseHold } from './barrier.ts';
import { grantAll, isOpen } from './grant.ts';
import { dropPermit, type Pool, putPermit } from './pool.ts';
import { startsLeft, startsResumeAt } from './starts.ts';
import { graceMs } from './terms.ts';
import { startsCounted } from './usage.ts';

/** Grants in every pool what there is room for, tells the nodes concerned (`asked` in any case), and plans the next look. */
export function serve(state: CoordinatorState, effects: CoordinatorEffect[], asked?: NodeId): void {
  const { pools, elapsed } = state;
  for (const pool of pools.pools.values()) loseExpired(pool, elapsed, effects);
  reviseHold(state, effects);
  const told = new Set<NodeId>(asked === undefined ? [] : [asked]);
  for (const [name, pool] of pools.pools) {
    const granted = grantAll(pools, pool, elapsed);
    if (granted.length > 0 && pool.terms.startsPerDay !== undefined) startsCounted(state, effects);
    for (const permit of granted) {
      told.add(permit.node);
      effects.push(note('permit-granted', { node: permit.node, why: name }));
      const details = `${permit.sessions} of ${name}`;
      effects.push({ type: 'audit', entry: { at: state.at, action: 'permit', node: permit.node, details } });
    }
    if (pool.isRetired && pool.permits.size === 0 && pool.queue.count === 0) pools.pools.delete(name);
  }
  for (const node of told) {
    const link = state.nodes.get(node)?.link;
    const message = answerFor(pools, node, elapsed);
    if (link !== undefined && message) effects.push({ type: 'send', link, message });
  }
  scheduleLook(state, effects);
}

/** A permit that is not renewed in time counts for the grace time, and is then gone. */
function loseExpired(pool: Pool, now: Milliseconds, effects: CoordinatorEffect[]): void {
  for (const permit of pool.permits.values()) {
    if (permit.until > now) continue;
    if (permit.isRefused || permit.until + graceMs <= now) {
      dropPermit(pool, permit);
    } else if (!permit.isLost) {
      putPermit(pool, { ...permit, isLost: true });
      effects.push(note('permit-lost', { node: permit.node, why: pool.terms.name }));
    }
  }
}

/** Keeps the one timer set for the next moment at which time alone changes something. */
function scheduleLook(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { pools, elapsed } = state;
  let next: Milliseconds | undefined;
  const consider = (at: Milliseconds | undefined) => {
    if (at !== undefined && at > elapsed && (next === undefined || at < next)) next = at;
  };
  if (isHoldStale(state)) consider(pools.barrierUntil);
  for (const pool of pools.pools.values()) {
    for (const { until, isLost } of pool.permits.values()) consider(isLost ? until + graceMs : until);
    if (pool.queue.count === 0) continue;
    if (!isOpen(pools, elapsed)) consider(pools.barrierUntil);
    consider(pool.pace.until);
    if (pool.idleSince !== undefined) consider(pool.idleSince + pool.terms.settleMs);
    if (startsLeft(pool.starts, pool.terms, elapsed) <= 0) consider(startsResumeAt(pool.starts, pool.terms));
  }
  if (next === undefined || (pools.timerAt !== undefined && pools.timerAt <= next && pools.timerAt > elapsed)) return;
  pools.timerAt = next;
  effects.push({ type: 'set-timer', timer: 'pools', delayMs: Math.ceil(next - elapsed) });
}
