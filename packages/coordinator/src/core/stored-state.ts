import type { AccountId, InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { type AlertsRecord, type AlertTerms, createAlerts } from './alerts/alerts.ts';
import { keepAway } from './departure.ts';
import { createLeases, type Preference } from './lease/leases.ts';
import { createPools } from './pool/pool.ts';
import type { PoolTerms } from './pool/terms.ts';
import { createUsage } from './pool/usage.ts';
import type {
  AccountRecord,
  CopiesRecord,
  FleetRecord,
  InviteRecord,
  NodeRecord,
  PoolsRecord,
  SecretsRecord,
  UsageRecord,
} from './record.ts';
import { createRotations, type RotationsRecord } from './rotation/rotations.ts';
import { createPushes } from './secrets/push.ts';
import { createSecrets } from './secrets/secrets.ts';
import {
  type AccountEntry,
  type CoordinatorState,
  createAccountEntry,
  createNodeEntry,
  type InviteEntry,
  type NodeEntry,
} from './state.ts';

/** What the store held when the coordinator started. */
export interface StoredState {
  readonly fleet: { readonly record: FleetRecord; readonly storeRevision: number } | undefined;
  readonly nodes: readonly { readonly record: NodeRecord; readonly storeRevision: number }[];
  readonly copies?: readonly { readonly record: CopiesRecord; readonly storeRevision: number }[] | undefined;
  readonly invites: readonly { readonly record: InviteRecord; readonly storeRevision: number }[];
  readonly accounts: readonly { readonly record: AccountRecord; readonly storeRevision: number }[];
  readonly pools?: { readonly record: PoolsRecord; readonly storeRevision: number } | undefined;
  readonly usage?: { readonly record: UsageRecord; readonly storeRevision: number } | undefined;
  readonly secrets?: readonly { readonly record: SecretsRecord; readonly storeRevision: number }[] | undefined;
  readonly alerts?: { readonly record: AlertsRecord; readonly storeRevision: number } | undefined;
  readonly rotations?: { readonly record: RotationsRecord; readonly storeRevision: number } | undefined;
  readonly policy: ProfileFilter;
  /** In the order of the configuration: the first that matches counts. */
  readonly poolTerms?: readonly PoolTerms[] | undefined;
  /** Which nodes are to refresh, where they can. */
  readonly prefer?: Preference | undefined;
  /** Whom to tell of what is wrong. */
  readonly alertTerms?: AlertTerms | undefined;
}

/** The state of a coordinator that has just started on these records. */
export function createCoordinatorState(stored: StoredState): CoordinatorState {
  const invites = new Map<InviteId, InviteEntry>();
  for (const { record, storeRevision } of stored.invites) invites.set(record.id, { record, storeRevision, used: 0 });
  const nodes = new Map<NodeId, NodeEntry>();
  let founder: NodeId | null = null;
  const leases = createLeases(stored.prefer);
  for (const { record, storeRevision } of stored.nodes) {
    if (record.left) keepAway(leases, record.name, record.left);
    else nodes.set(record.id, createNodeEntry(record, storeRevision, record.lastSeen));
    if (record.invitedBy === null) founder = record.id;
    const invite = invites.get(record.invite);
    if (invite) invites.set(record.invite, { ...invite, used: invite.used + 1 });
  }
  for (const { record } of stored.copies ?? [])
    if (record.withheld && nodes.has(record.node)) leases.withheld.set(record.node, new Set(record.withheld));
  const accounts = new Map<AccountId, AccountEntry>();
  for (const { record, storeRevision } of stored.accounts) {
    accounts.set(record.account, createAccountEntry(record, storeRevision));
  }
  return {
    mode: 'serving',
    policy: stored.policy,
    elapsed: 0,
    at: 0,
    pools: createPools(stored.poolTerms ?? []),
    poolsRecord: stored.pools,
    usage: createUsage(stored.usage),
    leases,
    fleet: stored.fleet ?? { record: { epoch: 1 }, storeRevision: 0 },
    founder,
    nodes,
    away: new Map(
      (stored.copies ?? []).map(({ record: { node, copies }, storeRevision }) => [node, { copies, storeRevision }]),
    ),
    secrets: createSecrets(stored.secrets ?? [], nodes),
    alerts: createAlerts(stored.alerts, stored.alertTerms),
    pushes: createPushes(),
    rotations: createRotations(stored.rotations),
    invites,
    accounts,
    generations: new Map(),
    holders: new Map(),
    sessions: new Map(),
    challengers: new Map(),
    pendingRecords: new Map(),
  };
}
