import { lackedAccounts } from '@authmesh/agent/core/announcement';
import { isCovered } from '@authmesh/agent/core/coverage';
import { decayOf } from '@authmesh/agent/core/decay';
import { waitsForOthers } from '@authmesh/agent/core/permit/recovery';
import type { AgentState } from '@authmesh/agent/core/state';
import { beatIntervalMs } from '@authmesh/shared/core/heartbeat';
import { accountLabel, copyKey, type NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';
import { accountViews } from './account-views.ts';
import { adoptionObstacle } from './adoption-store.ts';
import { type AccountState, accountState, type CopyState, copyCustody, copyState, isOver } from './login-states.ts';
import { lastSentence, type PoolStatus, poolStatus, turnSentence } from './pool-status.ts';
import type { StateDirectory } from './store-discovery.ts';

/** What `status --json` prints (CONTRACT.md); times as ISO text. */
export interface Status {
  /** The agent's home, and why it takes no writes, where it does not. */
  readonly home?: { readonly path: string; readonly problem?: string | undefined } | undefined;
  readonly node: { readonly id: string; readonly name: string };
  readonly fleet: { readonly id: string; readonly nodes: number; readonly online: number };
  readonly coordinator: {
    readonly url: string | null;
    readonly connected: boolean;
    readonly since: string | null;
    /** Why it is not connected. */
    readonly problem?: string | undefined;
    /** The coordinator turned this host away: that does not mend itself. */
    readonly refused: boolean;
    /** Age of what is told of other hosts. */
    readonly seenAt: string | null;
  };
  readonly accounts: readonly AccountStatus[];
  readonly stores: readonly { readonly store: string; readonly state: string; readonly reason?: string | undefined }[];
  /** What keeps logins under each state directory, and what of it authmesh leaves alone. */
  readonly openclaw: readonly Pick<StateDirectory, 'stateDir' | 'generation' | 'foreign'>[];
  /** Logins of the fleet that this host lacks: `adopt` puts them here, where nothing is in its way. */
  readonly lacks: readonly LackedLogin[];
  readonly pools: readonly PoolStatus[];
  readonly drift: readonly never[];
}

export interface LackedLogin {
  readonly account: string;
  readonly profile: string;
  /** Why it cannot be adopted as things are. */
  readonly obstacle?: string | undefined;
}

export interface AccountStatus {
  readonly account: string;
  readonly kind: string;
  readonly profiles: readonly string[];
  readonly revision: number | null;
  readonly fingerprint: string | null;
  readonly origin: string | null;
  readonly home: string | null;
  readonly expiresAt: string | null;
  readonly state: AccountState;
  /** A newer login was announced to this host, which did not take it: why. */
  readonly refusal?: string | undefined;
  readonly copies: readonly CopyStatus[];
}

export interface CopyStatus {
  readonly node: string;
  /** Whether that host is connected, as far as this one knows; else the copy is what it last had. */
  readonly online: boolean;
  readonly store: string;
  readonly profile: string;
  readonly state: CopyState;
  readonly custody: 'bearer' | 'home' | 'full';
  readonly revision: number | null;
  readonly fingerprint: string | null;
  readonly reason: string;
  readonly seenAt: string | null;
  /** Of this host's own: it is healed when the other agents of its state folder have their login. */
  readonly comesLast?: boolean | undefined;
  /** Of this host's own: the turn that it waits for before it is healed. */
  readonly turn?: { readonly pool: string; readonly place: number; readonly etaSeconds: number } | undefined;
  /** Of this host's own: a restart would not find a usable login there, and nothing heals it. */
  readonly decay?: { readonly state: string; readonly reason: string } | undefined;
  /** Of this host's own: since when it waits for the fleet's login or to be judged, while connected. */
  readonly waitsSince?: string | undefined;
}

/** The latest instant that has an ISO form (ECMA-262, time values). */
const latestInstant: Instant = 8_640_000_000_000_000;

/** It answers every beat: two of them without an answer, and a little more. */
const quietMsMax: Milliseconds = 2 * beatIntervalMs + 5 * second;

/** The fleet as this host sees it: its own copies as they stand, the others' as the coordinator last told. */
export function statusOf(
  state: AgentState,
  at: Instant,
  directories: readonly StateDirectory[],
  home?: Status['home'],
): Status {
  const { self, link, lastHeard, overview } = state;
  const nodes = overview?.body.nodes ?? [];
  const names = new Map<NodeId, string>(nodes.map(node => [node.id, node.name]));
  names.set(self.node, self.name);
  const online = new Set<NodeId>(nodes.flatMap(node => (node.online ? [node.id] : [])));
  online.add(self.node);
  // A frozen coordinator keeps its socket open: what counts is that it was heard.
  const isQuiet = at - lastHeard > quietMsMax;
  const connected = link.phase === 'online' && !isQuiet;
  const since = link.phase === 'online' && isQuiet ? lastHeard : link.since;
  return {
    node: { id: self.node, name: self.name },
    fleet: {
      id: self.fleet,
      nodes: Math.max(1, nodes.length),
      online: nodes.filter(node => (node.id === self.node ? connected : node.online && connected)).length,
    },
    coordinator: {
      url: link.url ?? state.config.coordinators[0] ?? null,
      connected,
      since: since > 0 ? iso(since) : null,
      problem: connected ? undefined : link.problem,
      refused: !connected && link.isRefused === true,
      seenAt: overview ? iso(overview.at) : null,
    },
    accounts: accountViews(state, at).map(view => accountStatus(state, view, { names, online }, at)),
    stores: [...state.stores].map(([store, entry]) => ({ store, state: entry.state, reason: entry.reason })),
    lacks: lackedLogins(state, directories),
    openclaw: directories.map(({ stateDir, generation, foreign }) => ({ stateDir, generation, foreign })),
    home,
    pools: (overview?.body.pools ?? []).map(poolStatus),
    drift: [],
  };
}

/** The fleet's hosts by id; this one counts as connected. */
interface Roster {
  readonly names: ReadonlyMap<NodeId, string>;
  readonly online: ReadonlySet<NodeId>;
}

function accountStatus(state: AgentState, view: AccountView, roster: Roster, at: Instant): AccountStatus {
  const name = (id: NodeId | null) => (id === null ? null : (roster.names.get(id) ?? id));
  const profiles = new Set([view.profile, ...view.copies.map(copy => copy.profile)]);
  const here = [...state.copies.values()].filter(copy => copy.seen && copy.account === view.account);
  const expiresAt = view.expiresAt === null ? null : view.expiresAt;
  return {
    account: accountLabel(view.account),
    kind: view.kind,
    profiles: here.length > 0 ? [...new Set(here.map(copy => copy.profile))] : [...profiles],
    revision: view.position?.revision ?? null,
    fingerprint: view.access,
    origin: name(view.origin),
    home: name(view.home),
    expiresAt: expiresAt === null ? null : iso(expiresAt),
    state: accountState(view, at - state.clockOffsetMs),
    refusal: state.refusals.get(view.account),
    copies: view.copies.map(copy => copyStatus(state, view, copy, roster, at)),
  };
}

function lackedLogins(state: AgentState, directories: readonly StateDirectory[]): LackedLogin[] {
  return lackedAccounts(state)
    .filter(({ account, profile }) => isCovered(state, account, profile))
    .map(facts => ({
      account: accountLabel(facts.account),
      profile: facts.profile,
      obstacle: adoptionObstacle(state, facts, directories),
    }));
}

function copyStatus(
  state: AgentState,
  view: AccountView,
  copy: CopyView,
  { names, online }: Roster,
  at: Instant,
): CopyStatus {
  const current = copy.verdict === 'in-step';
  const key = copyKey(copy.store, copy.profile);
  const own = copy.node === state.self.node ? state.copies.get(key) : undefined;
  const claim = own && state.claims.byId.get(state.claims.byCopy.get(key) ?? 0);
  const isHeld = claim?.phase === 'waiting';
  const queued = isHeld ? claim.queued : undefined;
  const comesLast = own && !claim && copyState(copy) === 'stale' && waitsForOthers(state, own, at) ? true : undefined;
  return {
    node: names.get(copy.node) ?? copy.node,
    online: online.has(copy.node),
    store: copy.store,
    profile: copy.profile,
    state: isHeld || comesLast ? 'waiting' : copyState(copy),
    custody: copyCustody(state, view, copy),
    revision: current ? (view.position?.revision ?? null) : null,
    fingerprint: copy.access ?? null,
    reason: isHeld ? turnSentence(queued) : comesLast ? lastSentence : (copy.trouble ?? copy.why),
    seenAt: copy.seenAt > 0 ? iso(copy.seenAt) : null,
    comesLast,
    turn: queued && { pool: queued.pool, place: queued.place, etaSeconds: Math.ceil(queued.etaMs / second) },
    decay: own && !isOver(view, at - state.clockOffsetMs) ? decayOf(state, key, at) : undefined,
    waitsSince: own?.unsettledAt === undefined ? undefined : iso(own.unsettledAt),
  };
}

function iso(instant: Instant): string {
  return new Date(Math.min(instant, latestInstant)).toISOString();
}
