import type { AlertsRecord } from '@authmesh/coordinator/core/alerts/alerts';
import type {
  AccountRecord,
  CopiesRecord,
  FleetRecord,
  InviteRecord,
  NodeRecord,
  PoolsRecord,
  SecretsRecord,
  UsageRecord,
} from '@authmesh/coordinator/core/record';
import type { RotationsRecord } from '@authmesh/coordinator/core/rotation/rotations';
import { incident, mute } from '@authmesh/shared/protocol/alerts';
import { copyView } from '@authmesh/shared/protocol/answer';
import {
  accountId,
  bytes32,
  fingerprint,
  instant,
  inviteId,
  nodeId,
  nodeName,
  sealed,
  secretGroup,
  secretName,
  signature,
} from '@authmesh/shared/protocol/fields';
import { rotationPhases } from '@authmesh/shared/protocol/rotation';
import { secretReading } from '@authmesh/shared/protocol/secrets';
import { z } from 'zod';
import { accountRow } from './account-row.ts';
import type { DamagedRecord, Store } from './store.ts';

/** The records of `core/record.ts` as they stand in the store: checked once, when the coordinator starts. */
const count = z.number().int().min(0);

const fleetRow = z.object({ epoch: count });

const poolsRow = z.object({ epoch: count, holdMs: z.number().min(0).optional() });

const usageRow = z.object({
  starts: z.record(z.string(), z.array(z.tuple([instant, count]))).optional(),
  days: z.array(z.object({ day: count, pools: z.record(z.string(), z.array(z.tuple([count, count]))) })),
});

const nodeRow = z.object({
  id: nodeId,
  name: nodeName,
  publicKey: bytes32,
  boxKey: bytes32,
  joinedAt: instant,
  invite: inviteId,
  invitedBy: nodeId.nullable(),
  inviteSignature: signature,
  version: z.string(),
  lastSeen: instant.nullable(),
  left: z.object({ at: instant, keeps: z.array(fingerprint) }).optional(),
});

const copiesRow = z.object({
  node: nodeId,
  copies: z.array(copyView.omit({ node: true }).extend({ account: accountId, spends: fingerprint.optional() })),
  withheld: z.array(fingerprint).optional(),
});

const secretsRow = z.object({
  node: nodeId,
  keyEpoch: count,
  readings: z.array(secretReading.extend({ since: instant })),
});

const alertsRow = z.object({
  incidents: z.array(
    incident.extend({
      clearSince: instant.nullable(),
      openedAs: count,
      announced: z.object({ text: z.string(), at: instant }),
      told: z.record(z.string(), count),
    }),
  ),
  mutes: z.array(mute),
  channels: z.record(z.string(), instant),
  aliveAt: instant,
});

const rotationsRow = z.object({
  rotations: z.array(
    z.object({
      ...{ name: secretName, group: secretGroup.optional(), epoch: count, phase: z.enum(rotationPhases) },
      ...{ node: nodeId.nullable(), since: instant, rotatedAt: instant, pending: z.array(nodeId) },
      ...{ value: sealed.optional(), previous: sealed.optional() },
      failed: z.object({ at: instant, why: z.string(), isUnknown: z.boolean().optional() }).optional(),
    }),
  ),
});

const inviteRow = z.object({
  id: inviteId,
  publicKey: bytes32,
  uses: count,
  expiresAt: instant.nullable(),
  createdBy: nodeId.nullable(),
  createdAt: instant,
  name: z.string().optional(),
  sealed: sealed.nullable(),
  signature: signature.nullable(),
});

/** A record and the revision of the store under which it stands. */
export interface Row<Record> {
  readonly record: Record;
  readonly storeRevision: number;
}

/** Everything that a coordinator starts from. */
export interface Rows {
  readonly fleet?: Row<FleetRecord> | undefined;
  readonly pools?: Row<PoolsRecord> | undefined;
  readonly usage?: Row<UsageRecord> | undefined;
  readonly alerts?: Row<AlertsRecord> | undefined;
  readonly rotations?: Row<RotationsRecord> | undefined;
  readonly nodes: readonly Row<NodeRecord>[];
  readonly copies: readonly Row<CopiesRecord>[];
  readonly secrets: readonly Row<SecretsRecord>[];
  readonly invites: readonly Row<InviteRecord>[];
  readonly accounts: readonly Row<AccountRecord>[];
  /** Rows that are not as this program writes them: left where they are, to be reported. */
  readonly damaged: readonly DamagedRecord[];
}

/** Reads the whole store. A damaged row is named and set aside; the rest load. */
export async function loadRows(store: Store): Promise<Rows> {
  const listing = await store.readAll('');
  const damaged = [...listing.damaged];
  let fleet: Row<FleetRecord> | undefined;
  let pools: Row<PoolsRecord> | undefined;
  let usage: Row<UsageRecord> | undefined;
  let alerts: Row<AlertsRecord> | undefined;
  let rotations: Row<RotationsRecord> | undefined;
  const nodes: Row<NodeRecord>[] = [];
  const copies: Row<CopiesRecord>[] = [];
  const secrets: Row<SecretsRecord>[] = [];
  const invites: Row<InviteRecord>[] = [];
  const accounts: Row<AccountRecord>[] = [];
  for (const { key, value, revision: storeRevision } of listing.records) {
    const kind = key.slice(0, key.includes('/') ? key.indexOf('/') : undefined);
    const take = <Record>(schema: z.ZodType<Record>, nameOf: (record: Record) => string): Row<Record> | undefined => {
      const parsed = schema.safeParse(value);
      if (parsed.success && nameOf(parsed.data) === key) return { record: parsed.data, storeRevision };
      const field = parsed.error?.issues[0]?.path.join('.');
      damaged.push({ key, reason: parsed.success ? 'it names another key' : reasonOf(field) });
      return undefined;
    };
    if (kind === 'fleet') fleet = take(fleetRow, () => key);
    else if (kind === 'pools') pools = take(poolsRow, () => key);
    else if (kind === 'usage') usage = take(usageRow, () => key);
    else if (kind === 'alerts') alerts = take(alertsRow, () => key);
    else if (kind === 'rotations') rotations = take(rotationsRow, () => key);
    else if (kind === 'node')
      push(
        nodes,
        take(nodeRow, node => `node/${node.id}`),
      );
    else if (kind === 'copies')
      push(
        copies,
        take(copiesRow, ({ node }) => `copies/${node}`),
      );
    else if (kind === 'secrets')
      push(
        secrets,
        take(secretsRow, ({ node }) => `secrets/${node}`),
      );
    else if (kind === 'invite')
      push(
        invites,
        take(inviteRow, invite => `invite/${invite.id}`),
      );
    else if (kind === 'account')
      push(
        accounts,
        take(accountRow, account => `account/${account.account}`),
      );
    else damaged.push({ key, reason: 'it is of no known kind' });
  }
  return { fleet, pools, usage, alerts, rotations, nodes, copies, secrets, invites, accounts, damaged };
}

function push<Item>(list: Item[], item: Item | undefined): void {
  if (item !== undefined) list.push(item);
}

function reasonOf(field: string | undefined): string {
  return field ? `its field "${field}" is not valid` : 'it is no record at all';
}
