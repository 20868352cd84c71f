import { lackedAccounts } from '@authmesh/agent/core/announcement';
import { isCovered, isVaulted } from '@authmesh/agent/core/coverage';
import type { AgentState } from '@authmesh/agent/core/state';
import type { ToolName } from '@authmesh/agent/core/tools';
import { accountLabel, type NodeId, type StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { AccountView } from '@authmesh/shared/protocol/answer';
import { accountViews } from './account-views.ts';
import { adoptionObstacle } from './adoption-store.ts';
import { type CopyStatus, copyStatus, iso, type Roster } from './copy-status.ts';
import { type DriftStatus, driftStatus } from './drift-status.ts';
import type { LookedAt } from './evidence.ts';
import { linkStatus } from './link-status.ts';
import { type AccountState, accountState } from './login-states.ts';
import { type OverweightStore, overweightStores } from './overweight.ts';
import { type PoolStatus, poolStatus } from './pool-status.ts';
import { type RefreshStatus, refreshStatus } from './refresh-status.ts';
import type { ReloadTrouble } from './secrets-reload.ts';
import type { StateDirectory } from './state-directory.ts';

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
    /** When it was last heard: what `connected` rests on. */
    readonly heardAt: string | null;
  };
  readonly accounts: readonly AccountStatus[];
  readonly stores: readonly { readonly store: string; readonly state: string; readonly reason?: string | undefined }[];
  /** What keeps logins under each state directory, and what of it authmesh leaves alone. */
  readonly openclaw: readonly OpenclawStatus[];
  /** The files of other tools that `stores` of agent.json names. */
  readonly tools: readonly ToolStatus[];
  /** Logins of the fleet that this host lacks: `adopt` puts them here, where nothing is in its way. */
  readonly lacks: readonly LackedLogin[];
  readonly pools: readonly PoolStatus[];
  /** Stores of this host that alone wake more sessions than their pool allows. */
  readonly overweight: readonly OverweightStore[];
  /** Secrets that hosts share. */
  readonly drift: readonly DriftStatus[];
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
  /** How its refreshing stands, where there is anything to say. */
  readonly refresh?: RefreshStatus | undefined;
  /** The refresh token lies in this host’s vault, not in a store: the fleet renews it. */
  readonly vaulted?: true | undefined;
  /** A newer login was announced to this host, which did not take it: why. */
  readonly refusal?: string | undefined;
  readonly copies: readonly CopyStatus[];
}

/** An OpenClaw of this host. */
export interface OpenclawStatus extends Pick<StateDirectory, 'stateDir' | 'generation' | 'foreign'> {
  /** Why its gateway may not know of what was written; undefined where it does. */
  readonly reload?: ReloadTrouble | undefined;
}

/** The file of another tool. */
export interface ToolStatus {
  readonly tool: ToolName;
  readonly store: string;
  readonly isPresent: boolean;
  /** False: it can be read, and there is none. */
  readonly hasLogin: boolean;
}

/** The fleet as this host sees it: its own copies as they stand, the others' as the coordinator last told. */
export function statusOf(
  state: AgentState,
  at: Instant,
  directories: readonly (StateDirectory & Pick<OpenclawStatus, 'reload'>)[],
  home?: Status['home'],
  lookedAt: LookedAt = () => undefined,
): Status {
  const { self, link, overview } = state;
  const nodes = overview?.body.nodes ?? [];
  const names = new Map<NodeId, string>(nodes.map(node => [node.id, node.name]));
  names.set(self.node, self.name);
  const online = new Set<NodeId>(nodes.flatMap(node => (node.online ? [node.id] : [])));
  online.add(self.node);
  const { connected, since } = linkStatus(state, at);
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
      heardAt: state.lastHeard > 0 ? iso(state.lastHeard) : null,
    },
    accounts: accountViews(state, at).map(view => accountStatus(state, view, { names, online }, at, lookedAt)),
    stores: [...state.stores].map(([store, entry]) => ({ store, state: entry.state, reason: entry.reason })),
    lacks: lackedLogins(state, directories),
    openclaw: directories.flatMap(({ tool, stateDir, generation, foreign, reload }) =>
      tool === undefined ? [{ stateDir, generation, foreign, reload }] : [],
    ),
    tools: directories.flatMap(({ tool, agents }) =>
      tool === undefined
        ? []
        : agents.map(({ store, isPresent }) => ({ tool, store, isPresent, hasLogin: mayHoldLogin(state, store) })),
    ),
    home,
    pools: (overview?.body.pools ?? []).map(poolStatus),
    overweight: overview ? overweightStores(state, overview.body.pools) : [],
    drift: (overview?.body.drift ?? []).map(driftStatus),
  };
}

function accountStatus(
  state: AgentState,
  view: AccountView,
  roster: Roster,
  at: Instant,
  lookedAt: LookedAt,
): AccountStatus {
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
    refresh: refreshStatus(view, roster, at - state.clockOffsetMs),
    vaulted: isInVault(state, view) || undefined,
    refusal: state.refusals.get(view.account),
    copies: view.copies.map(copy => copyStatus(state, view, copy, roster, at, lookedAt)),
  };
}

function isInVault(state: AgentState, { account, access }: AccountView): boolean {
  const facts = state.accounts.get(account);
  return facts !== undefined && facts.access === access && isVaulted(state, facts);
}

function mayHoldLogin(state: AgentState, store: StoreId): boolean {
  if (state.stores.get(store)?.state !== 'readable') return true;
  return [...state.copies.values()].some(copy => copy.store === store && copy.seen);
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
