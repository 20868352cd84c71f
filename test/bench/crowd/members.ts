import { randomBytes } from 'node:crypto';
import { type AccountRecord, accountKey, type NodeRecord, nodeKey } from '@authmesh/coordinator/core/record';
import { ensureKeys } from '@authmesh/coordinator/io/keys';
import { openStore } from '@authmesh/coordinator/store/store-engines';
import type { FleetId, InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import { createSigningKey, nodeIdOf, type SigningKey, signText } from '@authmesh/shared/crypto/signing';
import { accessOf, accountOf, profileOf, sealedRecord } from './shared-logins.ts';

/** A fleet of many nodes in a coordinator's data folder, as if all had joined. */
export interface Members {
  readonly fleet: FleetId;
  readonly coordinatorKey: string;
  readonly keys: readonly SigningKey[];
}

const hour = 3_600_000;

/** Makes `count` nodes and `accounts` logins that all of them share; the coordinator must not run. */
export async function makeMembers(dataDir: string, count: number, accounts: number): Promise<Members> {
  const coordinator = await ensureKeys(dataDir);
  const { signing } = coordinator;
  const keys = Array.from({ length: count }, createSigningKey);
  const [founder] = keys;
  if (!founder) throw new RangeError('a fleet has one node at least');
  const founderId = nodeIdOf(founder.publicKey);
  const store = await openStore({ dataDir, kind: 'sqlite', keys: coordinator });
  const records = keys.map((key, index) => nodeRecord(key, index, founder, founderId));
  await Promise.all([
    ...records.map(record => store.compareAndSet(nodeKey(record.id), 0, record)),
    ...Array.from({ length: accounts }, (_, index) =>
      store.compareAndSet(accountKey(accountOf(index)), 0, accountRecord(index, founderId)),
    ),
  ]);
  await store.close();
  return { fleet: String(founderId) as FleetId, coordinatorKey: signing.publicKey, keys };
}

function nodeRecord(key: SigningKey, index: number, founder: SigningKey, founderId: NodeId): NodeRecord {
  return {
    id: nodeIdOf(key.publicKey),
    name: `host-${index}`,
    publicKey: key.publicKey,
    boxKey: randomBytes(32).toString('base64'),
    joinedAt: Date.now(),
    invite: randomBytes(16).toString('hex') as InviteId,
    invitedBy: index === 0 ? null : founderId,
    inviteSignature: signText(founder, Buffer.from(key.publicKey)),
    version: '0.1.0',
    lastSeen: null,
  };
}

function accountRecord(index: number, origin: NodeId): AccountRecord {
  const access = accessOf(index, 0);
  const now = Date.now();
  const current = {
    access,
    position: { epoch: 1, revision: 1 },
    expiresAt: now + 8 * hour,
    origin,
    home: origin,
    generation: 1,
    acceptedAt: now,
    why: 'first',
    sealed: sealedRecord(),
  } as const;
  const entry = { number: 1, revision: 1, access, expiresAt: now + 8 * hour, origin, at: now, why: 'first' };
  return {
    account: accountOf(index),
    kind: 'oauth',
    profile: profileOf(index),
    current,
    ancestors: [],
    spent: [],
    history: [{ ...entry, verdict: 'accepted' }],
    nextNumber: 2,
    linked: [],
  };
}
