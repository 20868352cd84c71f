import { fraction } from '@authmesh/shared/core/chance';
import { adjudicate } from '@authmesh/shared/core/freshness';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Candidate } from '@authmesh/shared/core/lineage';
import { note } from '@authmesh/shared/core/notes';
import type { Acceptance } from '@authmesh/shared/core/succession';
import { hour, type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { MissReport, Renewal } from '@authmesh/shared/protocol/lease';
import { acceptedChange, nextGeneration } from '../acceptance.ts';
import { commit } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { LinkId } from '../event.ts';
import { verdictSentences } from '../explanation.ts';
import { nextRevision, withSighting } from '../history.ts';
import type { AccountEntry, CoordinatorState, Reporter } from '../state.ts';
import { release, writeHalt } from './halt.ts';
import { haltOf, leaseOf, type Renewable, renewableOf } from './standing.ts';

const retryMsBase: Milliseconds = 15 * second;
const retryMsMax: Milliseconds = 15 * minute;
/** By when every node's clock says so, too, that a login has ended. */
const endSlackMs: Milliseconds = 5 * second;
/** A provider that asks for more is asked again all the same. */
const retryAfterMsMax: Milliseconds = 6 * hour;

/** A lease brought a new login: it is the current one, unless the account has moved on without it. */
export function renewalReceived(
  state: CoordinatorState,
  entry: AccountEntry,
  reporter: Reporter,
  message: Renewal,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { record } = entry;
  const { account, renewed, generation, sealed } = message;
  const { current } = record;
  if (current && isSame(current, renewed)) return settle(effects, reporter.link, message);
  const least = nextGeneration(state, entry);
  if (generation < least) return settle(effects, reporter.link, message, least);
  // Whoever has renewed the current login has its only successor, however long that took; what the fleet went back from is none.
  const isKnown = record.ancestors.includes(renewed.access) || record.spent.includes(renewed.refresh);
  const isNext = !isKnown && (current === undefined || current.access === message.replaced);
  const candidate: Candidate = {
    node: reporter.node,
    ...renewed,
    chain: [{ access: message.replaced, refresh: isNext ? current?.refresh : undefined }],
    linked: true,
    // It stays at home where it was: who refreshes it is no sign of who uses it.
    announced: { position: { epoch: 0, revision: 0 }, home: current?.home ?? reporter.node, origin: reporter.node },
  };
  const verdict = isNext ? ({ kind: 'accepted', why: 'renewed' } as const) : adjudicate(entry.lineage, candidate, at);
  const cause = { type: 'renewal', link: reporter.link, node: reporter.node, message } as const;
  if (verdict.kind === 'accepted' && (isNext || verdict.why === 'current-dead' || verdict.why === 'completed')) {
    state.leases.tries.delete(account);
    const position = { epoch: state.fleet.record.epoch, revision: nextRevision(record) };
    const acceptance: Acceptance = { why: verdict.why, position, generation };
    const change = acceptedChange(
      entry,
      candidate,
      { profile: record.profile },
      acceptance,
      { generation, sealed },
      at,
    );
    return commit(state, entry, { ...change, announces: true, cause }, effects);
  }
  effects.push(note('renewal-fenced', { account, node: reporter.node }));
  const { access, refresh, expiresAt, issuedAt } = renewed;
  const fenced = withSighting(record, {
    ...{ access, refresh, expiresAt, issuedAt, origin: reporter.node, at, sealed },
    verdict: verdict.kind === 'stale' ? 'stale' : 'parallel',
    why: verdictSentences.fenced,
  });
  commit(state, entry, { record: fenced, lineage: entry.lineage, announces: false, cause }, effects);
}

/** A lease brought no new login. */
export function missReceived(
  state: CoordinatorState,
  entry: AccountEntry,
  reporter: Reporter,
  message: MissReport,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { account, epoch, access, miss, why } = message;
  const current = renewableOf(entry.record);
  if (current?.access !== access) return settle(effects, reporter.link, message);
  const isSpent = miss === 'unanswered' || miss === 'refused';
  const isKnown = isSpent ? isWorseOff(entry, reporter, miss, epoch) : !isOfHolder(entry, reporter, epoch);
  if (isKnown) return settle(effects, reporter.link, message);
  const cause = { type: 'miss', link: reporter.link, node: reporter.node, message } as const;
  const { node } = reporter;
  switch (miss) {
    case 'unused':
    case 'postponed':
      noteTry(state, current, reporter, message, at);
      if (miss === 'postponed') effects.push(note('refresh-postponed', { account, node, why }));
      return release(state, entry, current, effects, cause);
    case 'unanswered':
      return writeHalt(state, entry, current, { state: 'in-doubt', by: 'lease', node, since: at, why }, effects, cause);
    case 'refused':
      return writeHalt(
        state,
        entry,
        current,
        { state: 'needs-login', by: 'lease', node, since: at, why },
        effects,
        cause,
      );
    default:
      miss satisfies never;
  }
}

/** Its node has never taken the lease: nothing was sent. */
export function leaseUntaken(
  state: CoordinatorState,
  entry: AccountEntry,
  reporter: Reporter,
  epoch: number,
  effects: CoordinatorEffect[],
): void {
  const current = renewableOf(entry.record);
  // What a node has once said itself its silence does not take back.
  const isSilence = leaseOf(entry.record) !== undefined || haltOf(entry.record)?.by === 'silence';
  if (!current || !isSilence || !isOfHolder(entry, reporter, epoch)) return;
  release(state, entry, current, effects);
}

/** Whether no less is known of the account already; another attempt that is under way may still show better. */
function isWorseOff(entry: AccountEntry, reporter: Reporter, miss: 'unanswered' | 'refused', epoch: number): boolean {
  const { record } = entry;
  // Of a later lease than this store knows of: it came back from a backup, and what it has given since was given in error.
  if (epoch > (record.refresh?.epoch ?? 0)) return false;
  if (leaseOf(record)) return !isOfHolder(entry, reporter, epoch);
  const halted = haltOf(record);
  if (!halted) return false;
  return halted.state === 'needs-login' || (miss === 'unanswered' && halted.by === 'lease');
}

/** Twice as long after each attempt, and as long as the provider says. */
function noteTry(
  state: CoordinatorState,
  { expiresAt }: Renewable,
  { node }: Reporter,
  message: MissReport,
  at: Instant,
): void {
  const { account, access, miss, why, retryAfterMs = 0 } = message;
  const known = state.leases.tries.get(account);
  const before = known?.access === access ? known : undefined;
  const count = (before?.count ?? 0) + 1;
  const waitMs = Math.min(retryMsMax, retryMsBase * 2 ** Math.min(count - 1, 10));
  // Those that were turned away together do not come again together.
  const pauseMs = Math.max(waitMs, Math.min(retryAfterMs, retryAfterMsMax)) * (1 + jitterOf(access, count) / 4);
  const restedAt = at + Math.ceil(pauseMs);
  // What nobody asked the provider for is tried when the login ends: what an OpenClaw may have spent was left alone until then.
  const endsLater = miss === 'unused' && expiresAt > at;
  const notBefore = endsLater ? Math.min(restedAt, expiresAt + endSlackMs) : restedAt;
  const failures = (before?.failures ?? 0) + (miss === 'postponed' ? 1 : 0);
  state.leases.tries.set(account, { count, failures, node, since: before?.since ?? at, why, notBefore, access });
}

function jitterOf(access: Fingerprint, count: number): number {
  return fraction(Number.parseInt(access.slice(0, 8), 16) + count);
}

/** Whether the message is of the node that has the account's last lease, though its time may be over. */
function isOfHolder({ record }: AccountEntry, { node }: Reporter, epoch: number): boolean {
  if (record.refresh?.epoch !== epoch) return false;
  const halted = haltOf(record);
  return (leaseOf(record)?.node ?? (halted && halted.by !== 'openclaw' ? halted.node : undefined)) === node;
}

/** The renewal of before, told once more. */
function isSame(
  current: { readonly access: string; readonly refresh?: string | undefined },
  renewed: Renewal['renewed'],
) {
  return current.access === renewed.access && current.refresh === renewed.refresh;
}

/** The outcome is durable, or of no interest: its node may forget it. `again`: in this generation, at least. */
export function settle(
  effects: CoordinatorEffect[],
  link: LinkId,
  { account, epoch }: Pick<Renewal, 'account' | 'epoch'>,
  again?: number,
): void {
  effects.push({ type: 'send', link, message: { type: 'lease-settled', account, epoch, again } });
}
