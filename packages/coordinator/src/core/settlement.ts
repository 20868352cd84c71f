import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { settleAccount, supersedeAccount } from './account-settlement.ts';
import { settleAlerts } from './alerts/service.ts';
import { settleAwayCopies } from './away.ts';
import { departureConflicted, settleDeparture } from './departure.ts';
import type { CoordinatorEffect } from './effect.ts';
import { settleEnrollment } from './enrollment.ts';
import { raiseEpoch } from './epoch.ts';
import type { CoordinatorEvent } from './event.ts';
import { beginEpoch } from './pool/barrier.ts';
import { serve } from './pool/service.ts';
import { storeUsage } from './pool/usage.ts';
import { settleInvite } from './question.ts';
import { type AccountRecord, accountOfKey } from './record.ts';
import { settleRotations } from './rotation/service.ts';
import { settleSecrets } from './secrets/secrets.ts';
import type { CoordinatorState } from './state.ts';
import { resume } from './submission.ts';

/** A record is durable: now it may be told. */
export function persistSucceeded(
  state: CoordinatorState,
  { key, storeRevision }: Extract<CoordinatorEvent, { type: 'persist-succeeded' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const account = accountOfKey(key);
  if (account !== undefined) return settleAccount(state, account, storeRevision, at, effects);
  const pending = state.pendingRecords.get(key);
  if (!pending) return;
  state.pendingRecords.delete(key);
  switch (pending.type) {
    case 'enroll':
      return settleEnrollment(state, pending.link, pending.record, storeRevision, at, effects);
    case 'invite':
      return settleInvite(state, pending, storeRevision, effects);
    case 'erasure': {
      const invite = state.invites.get(pending.record.id);
      if (invite) state.invites.set(pending.record.id, { ...invite, record: pending.record, storeRevision });
      return;
    }
    case 'presence': {
      const node = state.nodes.get(pending.record.id);
      if (node) state.nodes.set(pending.record.id, { ...node, record: pending.record, storeRevision });
      return;
    }
    case 'departure':
      return settleDeparture(state, pending, at, effects);
    case 'pools':
      state.poolsRecord = { record: pending.record, storeRevision };
      state.pools.epoch = pending.record.epoch;
      return serve(state, effects);
    case 'usage':
      state.usage.storeRevision = storeRevision;
      if (state.usage.isUrgent) storeUsage(state, effects);
      return;
    case 'alerts':
      return settleAlerts(state, storeRevision, false, at, effects);
    case 'rotations':
      return settleRotations(state, pending.record, storeRevision, effects);
    case 'secrets':
      return settleSecrets(state, pending.record, storeRevision, effects);
    case 'copies':
      return settleAwayCopies(state, pending.record, storeRevision, effects);
    case 'epoch':
      state.fleet = { record: pending.record, storeRevision };
      if (pending.reported >= pending.record.epoch) raiseEpoch(state, pending.reported, effects);
      for (const waiting of [...state.accounts.keys()]) resume(state, waiting, at, effects);
      return;
    default:
      pending satisfies never;
  }
}

/** Somebody else wrote the record first: the change is made again on top of it, or whoever asked for it is told. */
export function persistConflicted(
  state: CoordinatorState,
  { key, value, storeRevision }: Extract<CoordinatorEvent, { type: 'persist-conflicted' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  // The shell has parsed it: the key says which record it is.
  if (accountOfKey(key) !== undefined)
    return supersedeAccount(state, value as AccountRecord, storeRevision, at, effects);
  const pending = state.pendingRecords.get(key);
  state.pendingRecords.delete(key);
  effects.push(note('persist-conflicted', { why: key }));
  const again = 'the coordinator’s store was changed meanwhile: try again';
  switch (pending?.type) {
    case undefined:
      return;
    case 'enroll':
      effects.push({ type: 'refuse', link: pending.link, reason: 'refused', message: again });
      return;
    case 'invite': {
      const { link, request } = pending;
      const body = { type: 'problem', code: 'ERR_NOT_INVITED', message: again } as const;
      effects.push({ type: 'send', link, message: { type: 'answer', request, body } });
      return;
    }
    case 'erasure': {
      const invite = state.invites.get(pending.record.id);
      if (invite) state.invites.set(pending.record.id, { ...invite, storeRevision });
      return;
    }
    case 'presence': {
      const node = state.nodes.get(pending.record.id);
      if (node) state.nodes.set(pending.record.id, { ...node, storeRevision });
      return;
    }
    case 'departure':
      return departureConflicted(state, pending, storeRevision, effects);
    case 'pools':
      // Another coordinator began an epoch on this store: the next one is above that, too.
      state.poolsRecord = { record: pending.record, storeRevision };
      beginEpoch(state, effects);
      return;
    case 'usage':
      // What this one has seen is told with the next round.
      state.usage.storeRevision = storeRevision;
      state.usage.isNews = true;
      return;
    case 'alerts':
      return settleAlerts(state, storeRevision, true, at, effects);
    case 'rotations':
      return settleRotations(state, undefined, storeRevision, effects);
    case 'secrets':
      return settleSecrets(state, { ...pending.record, readings: undefined }, storeRevision, effects);
    case 'copies':
      return settleAwayCopies(state, { node: pending.record.node, copies: undefined }, storeRevision, effects);
    case 'epoch':
      state.fleet = { ...state.fleet, storeRevision };
      raiseEpoch(state, pending.record.epoch, effects);
      return;
    default:
      pending satisfies never;
  }
}
