import { note } from '@authmesh/shared/core/notes';
import { type Instant, isUsable } from '@authmesh/shared/core/time';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import { commit } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { RefreshRecord } from '../record.ts';
import type { AccountEntry, CoordinatorState } from '../state.ts';
import { haltOf, type Renewable } from './standing.ts';

/** The time of a lease is over, and its holder was not heard: it is not free, for its refresh token may be spent. */
export function doubt(
  state: CoordinatorState,
  entry: AccountEntry,
  current: Renewable,
  node: NonNullable<RefreshRecord['lease']>['node'],
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const name = state.nodes.get(node)?.record.name ?? 'a node';
  const why = `${name} was to refresh it and was not heard of again`;
  writeHalt(state, entry, current, { state: 'in-doubt', by: 'silence', node, since: at, why }, effects);
}

/** The access token of a login in doubt has ended: nobody can use it any more, and nobody may refresh it. */
export function needLogin(
  state: CoordinatorState,
  entry: AccountEntry,
  current: Renewable,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const before = haltOf(entry.record);
  if (!before || isUsable(current.expiresAt, at)) return;
  const why = `its access token has ended; ${before.why}`.slice(0, sentenceCharsMax);
  writeHalt(state, entry, current, { ...before, state: 'needs-login', since: at, why }, effects);
}

/** Writes down why the refresh token of the current login is not used; ends the lease that was out. */
export function writeHalt(
  state: CoordinatorState,
  entry: AccountEntry,
  current: Renewable,
  why: NonNullable<RefreshRecord['halt']>,
  effects: CoordinatorEffect[],
  cause?: Parameters<typeof commit>[2]['cause'],
): void {
  const { record } = entry;
  const { account } = record;
  effects.push(
    note(why.state === 'in-doubt' ? 'refresh-in-doubt' : 'login-needed', { account, node: why.node, why: why.why }),
  );
  // Of a lease that this store has forgotten, for it came back from a backup: later ones are above it.
  const told = cause?.type === 'miss' ? cause.message.epoch : 0;
  const refresh: RefreshRecord = {
    ...refreshOf(current),
    epoch: Math.max(told, record.refresh?.epoch ?? 0),
    halt: why,
  };
  commit(state, entry, { record: { ...record, refresh }, lineage: entry.lineage, announces: false, cause }, effects);
}

/** Ends the lease that was out, with its refresh token unspent. */
export function release(
  state: CoordinatorState,
  entry: AccountEntry,
  current: Renewable,
  effects: CoordinatorEffect[],
  cause?: Parameters<typeof commit>[2]['cause'],
): void {
  const { record } = entry;
  const kept = haltOf(record);
  // What stood before an attempt that used nothing stands again; silence was about the lease that ends here.
  const halt = kept?.by === 'silence' ? undefined : kept;
  const refresh: RefreshRecord = { ...refreshOf(current), epoch: record.refresh?.epoch ?? 0, halt };
  commit(state, entry, { record: { ...record, refresh }, lineage: entry.lineage, announces: false, cause }, effects);
}

/** The pair that a refresh record is about: what is said of one login does not hold for the next. */
export function refreshOf({ access, refresh }: Renewable): Pick<RefreshRecord, 'access' | 'refresh'> {
  return { access, refresh: refresh as RefreshRecord['refresh'] };
}
