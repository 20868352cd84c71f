import type { Memory } from '@authmesh/agent/core/effect';
import type { AccountMemory, CopyMemory } from '@authmesh/agent/core/memory';
import type { Hole } from '@authmesh/agent/core/refresh/hole';
import type { LeaseMemory } from '@authmesh/agent/core/refresh/open-lease';
import type { AccountId, CopyKey, Sealed } from '@authmesh/shared/core/identifiers';

/** What an agent's journal holds: synced, so that it survives every crash. */
export interface Journal {
  readonly copies: Map<CopyKey, CopyMemory>;
  /** With the sealed record of what an exchange has brought. */
  readonly leases: Map<AccountId, { readonly lease: LeaseMemory; readonly sealed: Sealed | undefined }>;
  /** Something was lost that it held. */
  hole?: Hole | undefined;
  readonly accounts: Map<AccountId, { readonly facts: AccountMemory; readonly sealed: Sealed | undefined }>;
}

export function createJournal(): Journal {
  return { copies: new Map(), leases: new Map(), accounts: new Map() };
}

/** Appends an entry; the last one of a key counts. `sealed` goes with an account's. */
export function keep(journal: Journal, memory: Memory, sealed: Sealed | undefined): void {
  if (memory.kind === 'account') journal.accounts.set(memory.account.account, { facts: memory.account, sealed });
  else if (memory.kind === 'lease') journal.leases.delete(memory.account);
  else if (memory.kind === 'hole') journal.hole = memory.hole ?? undefined;
  else if (memory.copy) journal.copies.set(memory.key, memory.copy);
  else journal.copies.delete(memory.key);
}

/** What a restarted agent is given. */
export function recall(journal: Journal): Memory[] {
  const memories: Memory[] = [];
  for (const [key, copy] of journal.copies) memories.push({ kind: 'copy', key, copy });
  for (const { facts } of journal.accounts.values()) memories.push({ kind: 'account', account: facts });
  for (const [account, { lease }] of journal.leases) memories.push({ kind: 'lease', account, lease });
  if (journal.hole) memories.push({ kind: 'hole', hole: journal.hole });
  return memories;
}
