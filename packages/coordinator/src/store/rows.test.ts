import { randomBytes } from 'node:crypto';
import {
  type AccountRecord,
  accountKey,
  type CopiesRecord,
  copiesKey,
  fleetKey,
  type InviteRecord,
  inviteKey,
  type NodeRecord,
  nodeKey,
  type SecretsRecord,
  secretsKey,
} from '@authmesh/coordinator/core/record';
import type {
  AccountId,
  Fingerprint,
  InviteId,
  NodeId,
  ProfileId,
  Sealed,
  StoreId,
} from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from './memory-store.ts';
import { loadRows } from './rows.ts';
import { testAudit } from './store-contract.ts';

const hex = () => randomBytes(16).toString('hex');
const key = () => randomBytes(32).toString('base64');
const signature = () => randomBytes(64).toString('base64');
const sealed = () => randomBytes(90).toString('base64') as Sealed;

function nodeRecord(): NodeRecord {
  return {
    id: hex() as NodeId,
    name: 't440',
    publicKey: key(),
    boxKey: key(),
    joinedAt: 1,
    invite: hex() as InviteId,
    invitedBy: null,
    inviteSignature: signature(),
    version: '0.1.0',
    lastSeen: null,
  };
}

function inviteRecord(): InviteRecord {
  return {
    id: hex() as InviteId,
    publicKey: key(),
    uses: 1,
    expiresAt: null,
    createdBy: null,
    createdAt: 1,
    sealed: sealed(),
    signature: null,
  };
}

function accountRecord(account: string): AccountRecord {
  const access = hex() as Fingerprint;
  const node = hex() as NodeId;
  return {
    account: account as AccountId,
    kind: 'oauth',
    profile: 'openai-codex:default' as ProfileId,
    current: {
      access,
      refresh: hex() as Fingerprint,
      position: { epoch: 1, revision: 7 },
      expiresAt: null,
      origin: node,
      home: node,
      generation: 7,
      acceptedAt: 5,
      why: 'successor',
      sealed: sealed(),
    },
    ancestors: [hex() as Fingerprint],
    spent: [],
    history: [
      { number: 1, revision: 7, access, expiresAt: 9, origin: node, at: 5, verdict: 'accepted', why: 'successor' },
    ],
    nextNumber: 2,
    linked: [node],
  };
}

function copiesRecord(node: NodeId): CopiesRecord {
  const place = { store: '/home/claw/auth-profiles.json' as StoreId, profile: 'xai:default' as ProfileId };
  const judged = { verdict: 'in-step', why: 'it is', health: 'sound', spendable: true, seenAt: 4 } as const;
  return { node, copies: [{ account: 'oauth:xai/a' as AccountId, ...place, access: hex() as Fingerprint, ...judged }] };
}

function secretsRecord(node: NodeId): SecretsRecord {
  const reading = { name: 'INTERNAL_AUTH_SECRET', source: '/srv/.env', kind: 'stored', since: 4 } as const;
  const found = { state: 'read', exact: hex() as Fingerprint, loose: hex() as Fingerprint, forms: ['quotes'] } as const;
  return {
    node,
    keyEpoch: 1,
    readings: [
      { ...reading, found },
      { ...reading, group: 'staging', place: 'railway', found: { state: 'unreadable', why: 'permission denied' } },
    ],
  };
}

describe('rows', () => {
  it('load as they were written, with their revisions', async () => {
    const store = createMemoryStore(testAudit);
    const [node, invite, account] = [nodeRecord(), inviteRecord(), accountRecord('oauth:openai/acct/with/slashes')];
    await store.compareAndSet(fleetKey, 0, { epoch: 3 });
    await store.compareAndSet(nodeKey(node.id), 0, node);
    await store.compareAndSet(inviteKey(invite.id), 0, invite);
    await store.compareAndSet(accountKey(account.account), 0, account);
    await store.compareAndSet(copiesKey(node.id), 0, copiesRecord(node.id));
    await store.compareAndSet(secretsKey(node.id), 0, secretsRecord(node.id));
    const [copies, secrets] = [await store.read(copiesKey(node.id)), await store.read(secretsKey(node.id))];
    expect(await loadRows(store)).toEqual({
      fleet: { record: { epoch: 3 }, storeRevision: 1 },
      nodes: [{ record: node, storeRevision: 2 }],
      copies: [{ record: copies?.value, storeRevision: 5 }],
      secrets: [{ record: secrets?.value, storeRevision: 6 }],
      invites: [{ record: invite, storeRevision: 3 }],
      accounts: [{ record: account, storeRevision: 4 }],
      damaged: [],
    });
  });

  it('set damaged ones aside by key and field, and load the rest', async () => {
    const store = createMemoryStore(testAudit);
    const [node, account] = [nodeRecord(), accountRecord('oauth:openai/a')];
    await store.compareAndSet(nodeKey(node.id), 0, node);
    await store.compareAndSet('node/other', 0, node);
    await store.compareAndSet('account/oauth:openai/a', 0, { ...account, nextNumber: 'two' });
    await store.compareAndSet('fleet', 0, null);
    await store.compareAndSet('pool/x', 0, {});
    const rows = await loadRows(store);
    expect(rows.nodes).toHaveLength(1);
    expect([rows.fleet, rows.accounts]).toEqual([undefined, []]);
    expect(rows.damaged).toEqual([
      { key: 'account/oauth:openai/a', reason: 'its field "nextNumber" is not valid' },
      { key: 'fleet', reason: 'it is no record at all' },
      { key: 'node/other', reason: 'it names another key' },
      { key: 'pool/x', reason: 'it is of no known kind' },
    ]);
  });

  it('of an empty store are none', async () => {
    expect(await loadRows(createMemoryStore(testAudit))).toEqual({
      fleet: undefined,
      nodes: [],
      copies: [],
      secrets: [],
      invites: [],
      accounts: [],
      damaged: [],
    });
  });
});
