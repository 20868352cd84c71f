import { note } from '@authmesh/shared/core/notes';
import type { Permit, Permits } from '@authmesh/shared/protocol/permit';
import type { AgentEffect } from '../effect.ts';
import type { AgentState } from '../state.ts';
import { type Claim, dropClaim, hasBegun, putClaim } from './claim.ts';

/** What the coordinator says of this host's claims. */
export function permitsReceived(state: AgentState, message: Permits, effects: AgentEffect[]): void {
  const { claims } = state;
  const { sent } = claims;
  if (message.run !== claims.run) return;
  const answered = sent.find(({ number }) => number === message.number);
  // Too old to say from when its permits count.
  if (!answered) return;
  while (sent[0] && sent[0].number < message.number) sent.shift();
  const { isNews } = claims;
  const named = new Set<number>();
  for (const permit of message.granted) {
    named.add(permit.id);
    const claim = claims.byId.get(permit.id);
    if (claim && claim.phase !== 'settled') take(state, claim, permit, answered.at, effects);
  }
  for (const { id, ...queued } of message.queued) {
    named.add(id);
    const claim = claims.byId.get(id);
    if (claim?.phase === 'waiting') claims.byId.set(id, { ...claim, queued });
  }
  for (const { id, reason } of message.refused) {
    named.add(id);
    const claim = claims.byId.get(id);
    if (claim?.phase === 'waiting') claims.byId.set(id, { ...claim, refusal: { why: reason, isPassing: false } });
  }
  for (const claim of claims.byId.values()) {
    if (claim.phase === 'settled' && claim.toldIn !== undefined && claim.toldIn <= message.number) {
      dropClaim(claims, claim);
    } else if (claim.phase === 'granted' && !named.has(claim.id) && !hasBegun(state, claim)) {
      // The coordinator does not know it any more: what has not been begun under it is not.
      putClaim(claims, { ...claim, phase: 'waiting', permit: undefined });
    }
  }
  // What the coordinator said itself is no news to it.
  const isLatest = sent.at(-1)?.number === message.number;
  const hasLost =
    isLatest &&
    [...claims.byId.values()].some(({ phase, id, refusal }) => phase === 'waiting' && !refusal && !named.has(id));
  claims.isNews = isNews || hasLost;
}

/** Counted from the moment of the report that is answered: the coordinator cannot have counted from an earlier one. */
function take(state: AgentState, claim: Claim, permit: Permit, since: number, effects: AgentEffect[]): void {
  const { pool, epoch, leaseMs, settleMs, healthCommand } = permit;
  const until = Math.max(claim.permit?.until ?? 0, since + leaseMs);
  const isNew = claim.phase === 'waiting';
  const held = { pool, epoch, until, settleMs, healthCommand };
  state.claims.byId.set(claim.id, {
    ...claim,
    phase: isNew ? 'granted' : claim.phase,
    permit: held,
    queued: undefined,
  });
  if (!isNew || claim.liftsHold || claim.claimant.type !== 'store') return;
  const { store, profile, account } = claim.claimant;
  effects.push(note('recovery-begun', { store, profile, account }));
}
