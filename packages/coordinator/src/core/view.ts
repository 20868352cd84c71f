import type { AccountId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { AccountView, AnswerBody, CopyView, NodeView } from '@authmesh/shared/protocol/answer';
import { driftWeight, overviewEntriesPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { awayCopiesOf, awayCopyOf } from './away.ts';
import { verdictSentences } from './explanation.ts';
import { refreshViewOf } from './lease/request.ts';
import { termsOfLogin } from './pool/terms.ts';
import { observedOf } from './pool/usage.ts';
import { poolViews } from './pool/view.ts';
import type { AwayCopy } from './record.ts';
import { driftViews } from './secrets/view.ts';
import type { AccountEntry, CoordinatorState } from './state.ts';

type Overview = Extract<AnswerBody, { type: 'overview' }>;

/** The roster. */
export function nodeViews(state: CoordinatorState): NodeView[] {
  const views: NodeView[] = [];
  for (const { record, link, lastSeen } of state.nodes.values()) {
    const { id, name, joinedAt, invitedBy, version } = record;
    views.push({ id, name, online: link !== undefined, lastSeen, joinedAt, invitedBy, version });
  }
  return views;
}

/** An overview of nothing. */
export function emptyOverview(at: Instant): Overview {
  return { type: 'overview', nodes: [], accounts: [], pools: [], drift: [], at, last: true };
}

/** Every account with its copies on every node, as they were last reported. */
export function overview(state: CoordinatorState, at: Instant): Overview {
  const accounts = new Map<AccountId, AccountView>();
  for (const [account, entry] of state.accounts) accounts.set(account, accountView(state, entry));
  for (const [node, { copies }] of state.nodes) {
    const show = (copy: AwayCopy) => {
      accounts.get(copy.account)?.copies.push(copyView(node, copy, state.accounts.get(copy.account)));
    };
    for (const copy of copies.values()) show(awayCopyOf(copy));
    for (const copy of awayCopiesOf(state, node, copies)) show(copy);
  }
  return {
    ...emptyOverview(at),
    nodes: nodeViews(state),
    accounts: [...accounts.values()],
    pools: poolsInUse(state),
    drift: driftViews(state),
  };
}

/** Every pool with what was seen of it in use. */
export function poolsInUse(state: CoordinatorState): PoolView[] {
  const views = poolViews(state.pools, state.elapsed);
  if (state.usage.days.length === 0) return views;
  const sessions = new Map<string, number>();
  for (const { copies } of state.nodes.values()) {
    const counted = new Set<string>();
    for (const { observation } of copies.values()) {
      const { name } = termsOfLogin(state.pools.terms, observation);
      const key = `${name} ${observation.store}`;
      if (!counted.has(key)) sessions.set(name, (sessions.get(name) ?? 0) + 1);
      counted.add(key);
    }
  }
  return views.map(view => {
    const observed = observedOf(state.usage, view.name, state.at);
    return observed ? { ...view, observed: { ...observed, sessions: sessions.get(view.name) ?? 0 } } : view;
  });
}

/** The same in parts that frames can carry; an account's copies may be spread over several. */
export function overviewParts(whole: Overview): Overview[] {
  const parts: Overview[] = [];
  const empty = { ...whole, pools: [], last: false };
  const nothing = (): Overview => ({ ...empty, nodes: [], accounts: [], drift: [] });
  let part = nothing();
  let room = overviewEntriesPerMessageMax;
  const turn = () => {
    parts.push(part);
    part = nothing();
    room = overviewEntriesPerMessageMax;
  };
  for (const node of whole.nodes) {
    if (room <= 0) turn();
    part.nodes.push(node);
    room--;
  }
  for (const account of whole.accounts) {
    for (let start = 0; start === 0 || start < account.copies.length; ) {
      if (room <= 1) turn();
      const copies = account.copies.slice(start, start + room - 1);
      part.accounts.push({ ...account, copies });
      room -= copies.length + 1;
      start += Math.max(1, copies.length);
    }
  }
  for (const secret of whole.drift) {
    if (room < driftWeight) turn();
    part.drift.push(secret);
    room -= driftWeight;
  }
  parts.push({ ...part, pools: whole.pools, last: true });
  return parts;
}

function accountView(state: CoordinatorState, { record }: AccountEntry): AccountView {
  const { account, kind, profile, current } = record;
  return {
    account,
    kind,
    profile,
    position: current?.position ?? null,
    access: current?.access ?? null,
    expiresAt: current?.expiresAt ?? null,
    origin: current?.origin ?? null,
    home: current?.home ?? null,
    refresh: refreshViewOf(state, record),
    copies: [],
  };
}

function copyView(
  node: CopyView['node'],
  { account: _, spends: __, ...copy }: AwayCopy,
  entry: AccountEntry | undefined,
): CopyView {
  return { node, ...copy, ...standing(copy, entry) };
}

/** A copy was judged against what was current then; what is current now may have moved past it. */
function standing(
  { health, access, verdict, why }: Pick<AwayCopy, 'health' | 'access' | 'verdict' | 'why'>,
  entry: AccountEntry | undefined,
): Pick<CopyView, 'verdict' | 'why'> {
  const current = entry?.record.current;
  if (!current || health !== 'sound') return { verdict, why };
  if (access === current.access) return { verdict: 'in-step', why: verdictSentences.same };
  return verdict === 'in-step' ? { verdict: 'stale', why: verdictSentences.ancestor } : { verdict, why };
}
