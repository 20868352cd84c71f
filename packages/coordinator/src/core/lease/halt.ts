import { note } from '@authmesh/shared/core/notes';
import { type Instant, isUsable } from '@authmesh/shared/core/time';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { commit } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { AccountEntry, CoordinatorState, Session } from '../state.ts';
import { doubtOf, openclawDoubt } from './fences.ts';
import type { Halt, RefreshRecord } from './refresh-record.ts';
import { haltOf, leaseOf, type Renewable, renewableOf } from './standing.ts';

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
  const over = withoutSilenceOf(node, haltOf(entry.record));
  writeHalt(state, entry, current, { state: 'in-doubt', by: 'silence', node, since: at, why, over }, effects);
}

/**
 * A refresh by OpenClaw failed after it may have spent the fleet's refresh token. The login is in doubt: it is used as
 * long as its access token lives.
 */
export function doubtByOpenclaw(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  { spends }: Observation,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const current = renewableOf(entry.record);
  // Under lease, and where its holder is silent, it is used by nobody meanwhile: it is looked at when that is over.
  if (current?.refresh !== spends || !current || leaseOf(entry.record) || haltOf(entry.record)) return;
  writeHalt(state, entry, current, doubtOf(state, session.node, at), effects);
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
    ...pairOf(current),
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
  const holder = (leaseOf(record) ?? kept)?.node;
  // What stood before an attempt that used nothing stands again. Its holder has been heard of now; another may be silent still.
  const before = withoutSilenceOf(holder, kept);
  const halt = before ?? openclawDoubt(state, record.account, current, state.at);
  if (halt && !before)
    effects.push(note('refresh-in-doubt', { account: record.account, node: halt.node, why: halt.why }));
  const refresh: RefreshRecord = { ...pairOf(current), epoch: record.refresh?.epoch ?? 0, halt };
  commit(state, entry, { record: { ...record, refresh }, lineage: entry.lineage, announces: false, cause }, effects);
}

/** What is left of a halt when this node is silent no more. */
function withoutSilenceOf(node: Halt['node'] | undefined, halt: Halt | undefined): Halt | undefined {
  if (!halt) return undefined;
  const over = withoutSilenceOf(node, halt.over);
  return halt.by === 'silence' && halt.node === node ? over : { ...halt, over };
}

/** The pair that a refresh record is about: what is said of one login does not hold for the next. */
export function pairOf({ access, refresh }: Renewable): Pick<RefreshRecord, 'access' | 'refresh'> {
  return { access, refresh: refresh as RefreshRecord['refresh'] };
}
