import type { AlertsRecord } from '@authmesh/coordinator/core/alerts/alerts';
import type {
  AccountRecord,
  CopiesRecord,
  FleetRecord,
  InviteRecord,
  NodeRecord,
  PoolsRecord,
  UsageRecord,
} from '@authmesh/coordinator/core/record';
import { alertsKey, fleetKey, poolsKey, usageKey } from '@authmesh/coordinator/core/record';
import type { StoredState } from '@authmesh/coordinator/core/stored-state';
import { type Records, readRow } from './world/records.ts';

/** What a coordinator finds in its store. */
export function storedState({ entries }: Records): StoredState {
  const nodes: { record: NodeRecord; storeRevision: number }[] = [];
  const copies: { record: CopiesRecord; storeRevision: number }[] = [];
  const invites: { record: InviteRecord; storeRevision: number }[] = [];
  const accounts: { record: AccountRecord; storeRevision: number }[] = [];
  let fleet: StoredState['fleet'];
  let pools: StoredState['pools'];
  let usage: StoredState['usage'];
  let alerts: StoredState['alerts'];
  for (const [key, { value, revision: storeRevision }] of entries) {
    const record = readRow(value);
    if (key === fleetKey) fleet = { record: record as FleetRecord, storeRevision };
    else if (key === poolsKey) pools = { record: record as PoolsRecord, storeRevision };
    else if (key === usageKey) usage = { record: record as UsageRecord, storeRevision };
    else if (key === alertsKey) alerts = { record: record as AlertsRecord, storeRevision };
    else if (key.startsWith('node/')) nodes.push({ record: record as NodeRecord, storeRevision });
    else if (key.startsWith('copies/')) copies.push({ record: record as CopiesRecord, storeRevision });
    else if (key.startsWith('invite/')) invites.push({ record: record as InviteRecord, storeRevision });
    else accounts.push({ record: record as AccountRecord, storeRevision });
  }
  return { fleet, pools, usage, alerts, nodes, copies, invites, accounts, policy: { allow: ['*'], deny: [] } };
}
