import type { Condition } from '@authmesh/shared/core/alerts/incident';
import { type AccountId, accountLabel } from '@authmesh/shared/core/identifiers';
import { hour, type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import { awayCopiesOf, awayCopyOf } from '../away.ts';
import { refreshViewOf } from '../lease/request.ts';
import { renewableOf } from '../lease/standing.ts';
import type { AccountRecord, AwayCopy } from '../record.ts';
import type { CoordinatorState, ReportedCopy } from '../state.ts';

/** A login that nobody renews is told of so long before its end. */
const warnedMs: readonly Milliseconds[] = [hour, 6 * hour, 24 * hour];

/** Logins that are about to fail, or have. */
export function* loginConditions(state: CoordinatorState, at: Instant): Generator<Condition> {
  const held = accountsHeld(state);
  for (const { record } of state.accounts.values()) {
    // One that no store has any more was deleted by its owner.
    if (!held.has(record.account)) continue;
    const found = troubleOf(state, record, at);
    const { current, account, profile } = record;
    if (!found || !current) continue;
    const home = state.nodes.get(current.home)?.record.name;
    const mend = `sign in again on ${home ?? 'any host'}: authmesh-agent login ${profile}`;
    yield { id: `login/${accountLabel(account)}`, where: home === undefined ? [] : [home], mend, ...found };
  }
}

function accountsHeld(state: CoordinatorState): ReadonlySet<AccountId> {
  const held = new Set<AccountId>();
  for (const [node, { copies }] of state.nodes) {
    for (const { observation } of copies.values()) held.add(observation.account);
    for (const { account } of awayCopiesOf(state, node, copies)) held.add(account);
  }
  return held;
}

function troubleOf(
  state: CoordinatorState,
  record: AccountRecord,
  at: Instant,
): Omit<Condition, 'id' | 'where' | 'mend'> | undefined {
  const { current, account } = record;
  if (!current) return undefined;
  const { expiresAt } = current;
  const label = accountLabel(account);
  const refresh = refreshViewOf(state, record);
  const why = refresh?.why ?? 'it has no refresh token';
  const breaks =
    expiresAt !== null && isUsable(expiresAt, at)
      ? 'every agent that uses it, once its access token has ended'
      : 'every agent that uses it';
  if (refresh?.state === 'needs-login' || refresh?.state === 'in-doubt') {
    const what = refresh.state === 'in-doubt' ? `${label} is in doubt` : `${label} needs a new sign-in`;
    return { kind: refresh.state, severity: 'critical', what, why, since: refresh.since, breaks };
  }
  if (expiresAt === null || (renewableOf(record) && refresh?.state !== 'postponed')) return undefined;
  if (!isUsable(expiresAt, at))
    return { kind: 'expired', severity: 'critical', what: `${label} has expired`, why, since: expiresAt, breaks };
  // One that lives for eight hours is not told of as soon as it is there.
  const life = expiresAt - (current.issuedAt ?? current.acceptedAt);
  const warned = warnedMs.find(ms => expiresAt - at <= ms && ms <= life / 2);
  if (warned === undefined) return undefined;
  const what = `${label} ends in less than ${warned / hour} h, and nobody renews it`;
  const severity = warned <= hour ? 'critical' : 'warning';
  return { kind: 'expiring', severity, what, why, since: expiresAt - warned, breaks };
}

/** Copies that are set aside, and accounts that hosts hold different live logins of. */
export function* copyConditions(state: CoordinatorState): Generator<Condition> {
  for (const [node, { record, copies }] of state.nodes) {
    for (const copy of copies.values()) if (isTroubled(copy)) yield conditionOf(awayCopyOf(copy), record.name);
    for (const copy of awayCopiesOf(state, node, copies))
      if (isTroubled({ verdict: copy.verdict, observation: copy })) yield conditionOf(copy, record.name);
  }
}

function isTroubled({
  verdict,
  observation,
}: Pick<ReportedCopy, 'verdict'> & { observation: Pick<AwayCopy, 'health'> }) {
  return verdict === 'parallel' || observation.health === 'quarantined';
}

function conditionOf(
  { account, health, store, profile, why, trouble, seenAt: since }: AwayCopy,
  host: string,
): Condition {
  const common = { severity: 'warning', where: [host], since } as const;
  if (health === 'quarantined') {
    return {
      ...common,
      id: `store/${host}:${store}`,
      kind: 'quarantined',
      what: `a store of ${host} is set aside`,
      why: `${store}: ${trouble ?? why}`,
      breaks: 'what is in it gets no fresher login',
      mend: `on ${host}: authmesh-agent doctor`,
    };
  }
  const label = accountLabel(account);
  return {
    ...common,
    id: `login/${label}`,
    kind: 'conflict',
    what: `${label} has two live logins`,
    why,
    breaks: 'neither replaces the other; hosts refresh them separately, and one may end the other',
    mend: `authmesh-agent explain ${profile}`,
  };
}
