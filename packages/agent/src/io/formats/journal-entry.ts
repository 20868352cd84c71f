import type { Memory } from '@authmesh/agent/core/effect';
import { type CopyKey, copyKey, type Sealed } from '@authmesh/shared/core/identifiers';
import { announcement } from '@authmesh/shared/protocol/announcement';
import { accountId, branded, fingerprint, profileId, sealed, storeId } from '@authmesh/shared/protocol/fields';
import { chainLinksMax } from '@authmesh/shared/protocol/limits';
import { held } from '@authmesh/shared/protocol/observation';
import { z } from 'zod';

/** What the journal keeps: the core's memory and, beside an account, the sealed record of its current credential. */
export type JournalEntry =
  | Extract<Memory, { readonly kind: 'copy' }>
  | (Extract<Memory, { readonly kind: 'account' }> & { readonly sealed?: Sealed | undefined });

const copyMemory = z.object({
  store: storeId,
  profile: profileId,
  account: accountId,
  last: held.optional(),
  chain: z.array(held).max(chainLinksMax),
  doubted: z.array(fingerprint).max(2).optional(),
});

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
  return read.data;
}

/** The line of an entry: its known fields alone, so that nothing else ever gets into the file. */
export function writeEntryLine(value: JournalEntry): string {
  return JSON.stringify(entry.parse(value));
}

/** What the last entry replaces: all entries of one copy, all of one account. */
export function keyOfEntry(value: JournalEntry): string {
  return value.kind === 'copy' ? `copy\n${value.key}` : `account\n${value.account.account}`;
}
