import {
  type AccountId,
  accountLabel,
  type Fingerprint,
  type ProfileId,
  type StoreId,
} from '@authmesh/shared/core/identifiers';
import { type Instant, shiftExpiry } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { keepsMax, withheldMax } from '@authmesh/shared/protocol/limits';
import { custodyFor, isRenewedHere, isVaulted } from '../coverage.ts';
import { isDoubted } from '../fence.ts';
import { isOver } from '../refresh/open-lease.ts';
import type { AgentState, Copy } from '../state.ts';
import { isToolProfile } from '../tools.ts';

/** What becomes of a login of this host when its membership ends, where something does. */
export interface LoginPlan {
  readonly account: AccountId;
  /** A profile that it stands under on this host, or did where it was put into the fleet. */
  readonly profile: ProfileId;
  /**
   * `restored`: nobody is left to refresh it, so its refresh token goes back into `store`. `stays`: this host’s OpenClaw
   * refreshes it, and the hosts that remain lose it when it ends. `ends`: here, with its access token; it lives on in the
   * fleet. `lost`: nobody is left to refresh it, and it cannot be put back: `why`.
   */
  readonly fate: 'restored' | 'stays' | 'ends' | 'lost';
  readonly store?: StoreId | undefined;
  /** When its access token ends, by this host's clock; null: it does not. */
  readonly endsAt: Instant | null;
  /** No store of this host has had the refresh token: the fleet refreshed it. */
  readonly isVaulted: boolean;
  readonly why?: string | undefined;
}

/** What ending this host's membership comes to, as far as is known now. */
export interface LeavePlan {
  /** False: the coordinator does not know this host any more. */
  readonly isMember: boolean;
  /** No other host is on the roster. */
  readonly isLast: boolean;
  /** Others that are connected now. */
  readonly othersOnline: number;
  readonly logins: readonly LoginPlan[];
}

/** Plans by the overview that was told last; for a host that is no member, as if the fleet had others. */
export function planLeave(state: AgentState, isMember: boolean): LeavePlan {
  const others = (state.overview?.body.nodes ?? []).filter(({ id }) => id !== state.self.node);
  const isLast = isMember && others.length === 0;
  const othersOnline = others.filter(({ online }) => online).length;
  const logins: LoginPlan[] = [];
  for (const facts of state.accounts.values()) {
    if (facts.kind !== 'oauth') continue;
    const copies = [...state.copies.values()].filter(
      ({ account, store, seen }) =>
        account === facts.account && (seen || state.stores.get(store)?.state === 'quarantined'),
    );
    const login = isLast ? withoutFleet(state, facts, copies) : besideFleet(state, facts, copies);
    if (login) logins.push(login);
  }
  return { isMember, isLast, othersOnline, logins };
}

/** The fleet ends with this host: a refresh token that stands in no store has to. */
function withoutFleet(state: AgentState, facts: AnnouncementFacts, copies: readonly Copy[]): LoginPlan | undefined {
  if (facts.refresh === undefined || copies.some(copy => holdsToken(state, copy, facts.refresh))) return undefined;
  const refresh = refreshViewOf(state, facts);
  // Nothing is left that could be lost.
  if (refresh?.state === 'needs-login') return undefined;
  const login = loginOf(state, facts, copies);
  const lost = (why: string): LoginPlan => ({ ...login, fate: 'lost', why });
  if (refresh?.state === 'in-doubt') return lost(`its refresh token may be used up: ${refresh.why}`);
  if (copies.some(copy => isDoubted(copy, facts)))
    return lost('its refresh token may be used up: OpenClaw failed to refresh it on this host');
  const refusal = state.refusals.get(facts.account);
  if (refusal !== undefined) return lost(`a newer login of it was refused here: ${refusal}`);
  const place = placeFor(state, facts, copies);
  if (place) return { ...login, fate: 'restored', profile: place.profile, store: place.store };
  return lost(
    copies.length > 0 ? 'no store of this host that can be written has this login' : 'no store of this host has it',
  );
}

/** The fleet goes on: one refresh token is never in two hands, so who has it keeps it. */
function besideFleet(state: AgentState, facts: AnnouncementFacts, copies: readonly Copy[]): LoginPlan | undefined {
  const covered = copies.filter(({ profile }) => custodyFor(state, facts.account, profile) !== 'copy');
  if (covered.length === 0) return undefined;
  const login = loginOf(state, facts, covered);
  if (covered.some(copy => holdsToken(state, copy, facts.refresh))) {
    const view = state.overview?.body.accounts.find(({ account }) => account === facts.account);
    const isElsewhere = view?.copies.some(({ node, spendable }) => node !== state.self.node && spendable);
    return isElsewhere ? undefined : { ...login, fate: 'stays' };
  }
  // A login of its own, beside the fleet's.
  if (covered.some(({ seen }) => seen?.health === 'sound' && seen.refresh !== undefined)) return undefined;
  return login.endsAt === null ? undefined : { ...login, fate: 'ends' };
}

function loginOf(state: AgentState, facts: AnnouncementFacts, copies: readonly Copy[]): Omit<LoginPlan, 'fate'> {
  const { account } = facts;
  const profile = copies[0]?.profile ?? facts.profile;
  const endsAt = shiftExpiry(facts.expiresAt, state.clockOffsetMs);
  return { account, profile, endsAt, isVaulted: isVaulted(state, facts) };
}

function refreshViewOf(state: AgentState, { account, access }: AnnouncementFacts) {
  const view = state.overview?.body.accounts.find(one => one.account === account);
  return view?.access === access ? view.refresh : undefined;
}

/** Whether a refresh token stands there; a store that cannot be read now holds what it held. */
function holdsToken(state: AgentState, { store, seen, last }: Copy, refresh: Fingerprint | undefined): boolean {
  if (refresh === undefined) return false;
  return seen?.refresh === refresh || (state.stores.get(store)?.state === 'quarantined' && last?.refresh === refresh);
}

/** The one store that gets it: OpenClaw's before a tool's, the main agent's before others, for they fall back to it. */
function placeFor(state: AgentState, facts: AnnouncementFacts, copies: readonly Copy[]): Copy | undefined {
  const fit = copies.filter(copy => isPlace(state, copy, facts));
  const rank = ({ store, profile }: Copy) =>
    (isToolProfile(profile) ? 2 : 0) + (state.config.layout?.get(store)?.fallback === store ? 0 : 1);
  return fit.toSorted((one, other) => rank(one) - rank(other) || (one.store < other.store ? -1 : 1))[0];
}

/** What stands there is the fleet's login without its refresh token, or an old one. */
function isPlace({ stores }: AgentState, { store, seen, judged }: Copy, facts: AnnouncementFacts): boolean {
  if (!seen || stores.get(store)?.state !== 'readable' || seen.health === 'fence-pending') return false;
  if (seen.access === facts.access) return true;
  return judged !== undefined && judged.access === seen.access && ['stale', 'unfit'].includes(judged.verdict);
}

/** What has to end before it is certain who holds which refresh token; a sentence. */
export function underWay(state: AgentState, plan: LeavePlan): string | undefined {
  for (const lease of state.leases.values()) {
    if (!isOver(lease)) return `this host is refreshing ${accountLabel(lease.account)}`;
  }
  for (const { store, account, seen, fence, writing } of state.copies.values()) {
    if (writing) return `${accountLabel(account)} is being written into ${store}`;
    if (seen?.health === 'fence-pending' && !fence?.isStuck)
      return `OpenClaw is refreshing ${accountLabel(account)} in ${store}`;
  }
  for (const { account, fate } of plan.logins) {
    const facts = state.accounts.get(account);
    if (!facts || fate !== 'restored') continue;
    if (refreshViewOf(state, facts)?.state === 'refreshing') return `${accountLabel(account)} is being refreshed`;
    if (isRenewedHere(state, facts)) return `the coordinator has yet to judge a new login of ${accountLabel(account)}`;
  }
  return undefined;
}

/** The refresh tokens that are about to stand in stores of this host again. */
export function tokensOf(state: AgentState, plan: LeavePlan): readonly Fingerprint[] {
  const tokens: Fingerprint[] = [];
  for (const { account, fate } of plan.logins) {
    const refresh = fate === 'restored' ? state.accounts.get(account)?.refresh : undefined;
    if (refresh !== undefined) tokens.push(refresh);
  }
  return tokens.slice(0, withheldMax);
}

/** The refresh tokens that stay in this host's stores, those kept out of the fleet among them. */
export function keptTokens(state: AgentState): Fingerprint[] {
  const tokens = new Set<Fingerprint>();
  for (const { store, account, profile, seen, last } of state.copies.values()) {
    if (custodyFor(state, account, profile) === 'copy') continue;
    if (seen?.refresh !== undefined) tokens.add(seen.refresh);
    if (state.stores.get(store)?.state === 'quarantined' && last?.refresh !== undefined) tokens.add(last.refresh);
  }
  return [...tokens].slice(0, keepsMax);
}
