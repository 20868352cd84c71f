import type { AccountMemory, CopyMemory } from '@authmesh/agent/core/memory';
import type { Hole } from '@authmesh/agent/core/refresh/hole';
import type { LeaseMemory } from '@authmesh/agent/core/refresh/open-lease';
import type { AccountId, CopyKey, NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import { isForgotten, type JournalEntry, keyOfEntry, readEntryLine } from './journal-entry.ts';

/** What a restart finds. */
export interface JournalContents {
  readonly copies: ReadonlyMap<CopyKey, CopyMemory>;
  readonly accounts: ReadonlyMap<AccountId, { readonly account: AccountMemory; readonly sealed?: Sealed | undefined }>;
  /** Leases whose exchange was begun, with the sealed record of what it has brought. */
  readonly leases: ReadonlyMap<AccountId, { readonly lease: LeaseMemory; readonly sealed?: Sealed | undefined }>;
  /** Something is lost that it held: found now, or before and not made up for since. */
  readonly hole?: Hole | undefined;
  /** Lines that could not be understood; a torn last line (a crash while it was written) is none of them. */
  readonly damagedLines: number;
  /** The host whose memory the file holds, where that is another one: nothing of it counts here. */
  readonly foreignOwner?: NodeId | undefined;
}

/** Reads the text of a journal of `owner`; one that names none is taken for its. */
export function loadJournal(
  text: string,
  owner: NodeId | undefined,
): { readonly contents: JournalContents; readonly live: Map<string, string> } {
  const live = new Map<string, string>();
  const copies = new Map<CopyKey, CopyMemory>();
  const accounts = new Map<AccountId, { readonly account: AccountMemory; readonly sealed?: Sealed | undefined }>();
  const leases = new Map<AccountId, { readonly lease: LeaseMemory; readonly sealed?: Sealed | undefined }>();
  const lines = text.split('\n');
  // What stands after the last line feed was never told to be kept.
  lines.pop();
  let hole: Hole | undefined;
  let damagedLines = 0;
  for (const line of lines) {
    const entry = line === '' ? undefined : readEntryLine(line);
    if (!entry) {
      damagedLines++;
      continue;
    }
    keepLine(live, entry, line);
    if (entry.kind === 'owner') {
      if (owner !== undefined && entry.node !== owner) return foreign(entry.node);
    } else if (entry.kind === 'lease') {
      if (entry.lease) leases.set(entry.account, { lease: entry.lease, sealed: entry.sealed });
      else leases.delete(entry.account);
    } else if (entry.kind === 'hole') {
      hole = entry.hole ?? undefined;
    } else if (entry.kind === 'account')
      accounts.set(entry.account.account, { account: entry.account, sealed: entry.sealed });
    else if (entry.copy) copies.set(entry.key, entry.copy);
    else copies.delete(entry.key);
  }
  return { contents: { copies, accounts, leases, hole, damagedLines }, live };
}

function foreign(foreignOwner: NodeId): ReturnType<typeof loadJournal> {
  const nothing = { copies: new Map(), accounts: new Map(), leases: new Map(), damagedLines: 0 };
  return { contents: { ...nothing, foreignOwner }, live: new Map() };
}

/** The last line of a key counts; of what is over none is kept. */
export function keepLine(live: Map<string, string>, entry: JournalEntry, line: string): void {
  const key = keyOfEntry(entry);
  live.delete(key);
  if (!isForgotten(entry)) live.set(key, line);
}

/** What a journal holds once it is written anew. */
export function textOf(live: ReadonlyMap<string, string>): string {
  return live.size === 0 ? '' : `${[...live.values()].join('\n')}\n`;
}
