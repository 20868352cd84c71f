import type { Memory } from '@authmesh/agent/core/effect';
import { type AccountId, type CopyKey, copyKey, type NodeId, type Sealed } from '@authmesh/shared/core/identifiers';
import { announcement } from '@authmesh/shared/protocol/announcement';
import { accountId, branded, fingerprint, nodeId, profileId, sealed, storeId } from '@authmesh/shared/protocol/fields';
import { miss, renewed } from '@authmesh/shared/protocol/lease';
import { chainLinksMax } from '@authmesh/shared/protocol/limits';
import { held } from '@authmesh/shared/protocol/observation';
import { z } from 'zod';

/** What the journal keeps: the core's memory and, beside an account, the sealed record of its current credential. */
export type JournalEntry =
  | Extract<Memory, { readonly kind: 'copy' }>
  | (Extract<Memory, { readonly kind: 'account' }> & { readonly sealed?: Sealed | undefined })
  /** With the sealed record of what the lease has brought. */
  | (Extract<Memory, { readonly kind: 'lease' }> & { readonly sealed?: Sealed | undefined })
  | Extract<Memory, { readonly kind: 'hole' }>
  /** Whose memory it is. */
  | { readonly kind: 'owner'; readonly node: NodeId };

const copyMemory = z.object({
  store: storeId,
  profile: profileId,
  account: accountId,
  last: held.optional(),
  chain: z.array(held).max(chainLinksMax),
  doubted: z.array(fingerprint).max(2).optional(),
});

const leaseMemory = z.object({
  account: accountId,
  epoch: z.number().int().min(1),
  access: fingerprint,
  refresh: fingerprint,
  outcome: z
    .union([
      z.object({ renewed, generation: z.number().int().min(1) }),
      miss.pick({ miss: true, why: true, retryAfterMs: true }),
    ])
    .optional(),
});

const hole = z.object({ logins: z.array(z.object({ account: accountId, access: fingerprint })).optional() });

const entry = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('copy'),
    key: branded<CopyKey>(z.string().max(5_000)),
    copy: copyMemory.nullable(),
  }),
  z.object({
    kind: z.literal('account'),
    account: announcement.omit({ type: true, sealed: true }),
    sealed: sealed.optional(),
  }),
  z.object({
    kind: z.literal('lease'),
    account: accountId,
    lease: leaseMemory.nullable(),
    sealed: sealed.optional(),
  }),
  z.object({ kind: z.literal('hole'), hole: hole.nullable() }),
  z.object({ kind: z.literal('owner'), node: nodeId }),
]);

/** One line of the journal; undefined when it is damaged. */
export function readEntryLine(line: string): JournalEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const read = entry.safeParse(value);
  if (!read.success) return undefined;
  // A copy that is filed under another one's key would answer for it.
  if (read.data.kind === 'copy' && read.data.copy) {
    if (copyKey(read.data.copy.store, read.data.copy.profile) !== read.data.key) return undefined;
  }
  return read.data.kind === 'lease' && read.data.lease && read.data.lease.account !== read.data.account
    ? undefined
    : read.data;
}

/** The line of an entry: its known fields alone, so that nothing else ever gets into the file. */
export function writeEntryLine(value: JournalEntry): string {
  return JSON.stringify(entry.parse(value));
}

/** What the last entry replaces: all entries of one copy, all of one account, all leases of one account, each of the others. */
export function keyOfEntry(value: JournalEntry): string {
  if (value.kind === 'owner' || value.kind === 'hole') return value.kind;
  if (value.kind === 'copy') return `copy\n${value.key}`;
  return value.kind === 'lease' ? `lease\n${value.account}` : keyOfAccount(value.account.account);
}

/** The same of what is kept of an account. */
export function keyOfAccount(account: AccountId): string {
  return `account\n${account}`;
}

/** Whether an entry says that what it is about is over: nothing of it is kept. */
export function isForgotten(value: JournalEntry): boolean {
  switch (value.kind) {
    case 'copy':
      return value.copy === null;
    case 'lease':
      return value.lease === null;
    case 'hole':
      return value.hole === null;
    default:
      return false;
  }
}
