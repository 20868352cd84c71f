import type { Memory } from '@authmesh/agent/core/effect';
import type { AccountId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { systemErrorCode, systemReason } from '@authmesh/shared/node/errors';
import type { Logger } from '@authmesh/shared/node/logger';
import type { AgentJournal, JournalEntry } from './agent-journal.ts';
import { keyOfAccount, keyOfEntry } from './formats/journal-entry.ts';
import type { RecordVault } from './record-vault.ts';

/** Entries that wait for a disk that takes them again. */
const unsavedMax = 10_000;

/** What the journal kept goes back into the core's memory, its records into the vault. */
export function restoreMemory(journal: AgentJournal, vault: RecordVault, logger: Logger): Memory[] {
  const memory: Memory[] = [];
  const { copies, accounts, leases, hole, damagedLines, foreignOwner } = journal.contents;
  if (foreignOwner !== undefined) logger.note(note('journal-foreign', { node: foreignOwner }));
  if (damagedLines > 0) logger.note(note('journal-damaged', { why: `${damagedLines} lines` }));
  if (hole) {
    logger.note(note('journal-incomplete'));
    memory.push({ kind: 'hole', hole });
  }
  for (const [key, copy] of copies) memory.push({ kind: 'copy', key, copy });
  for (const { account, sealed } of accounts.values()) {
    // Without its record an account is as good as unknown: the coordinator sends it again.
    const problem = sealed === undefined ? 'its record is missing' : vault.restore(account, sealed);
    if (problem !== undefined) {
      logger.note(note('journal-damaged', { account: account.account, why: problem }));
      continue;
    }
    vault.settle(account.account, account.access);
    memory.push({ kind: 'account', account });
  }
  for (const [account, { lease, sealed }] of leases) {
    const outcome = lease.outcome && 'renewed' in lease.outcome ? lease.outcome : undefined;
    const problem = outcome ? vault.restoreRenewed(account, outcome, sealed) : undefined;
    if (problem !== undefined) logger.note(note('journal-damaged', { account, why: problem }));
    // What it brought is lost: whether its refresh token is spent is no question, but nobody has another one.
    memory.push({ kind: 'lease', account, lease: problem === undefined ? lease : { ...lease, outcome: undefined } });
  }
  return memory;
}

/** Keeps memory in the journal; what a full disk refuses is kept as soon as it takes entries again. */
export interface Keeper {
  /** Resolves when the journal has taken the entry, or refused it. */
  readonly keep: (memory: Memory) => Promise<void>;
  /**
   * Has an entry written at once, or never: rejects where the journal refuses it. What waited to say something of the same is
   * outdated, and is not written after it.
   */
  readonly writeNow: (entry: JournalEntry) => Promise<void>;
  /** Whether the last that was to be kept of an account is on disk. */
  readonly isKept: (account: AccountId) => boolean;
  /** Tries again what was refused; why the journal takes no entries, when it does not. */
  readonly retry: () => Promise<string | undefined>;
}

/** A keeper for an open journal. */
export function createKeeper(
  journal: Pick<AgentJournal, 'append' | 'hurry'>,
  vault: RecordVault,
  logger: Logger,
): Keeper {
  /** The newest entry of each key that is not on disk yet; an older one that fails after it is worth nothing. */
  const unsaved = new Map<string, { readonly entry: JournalEntry; readonly isUnderWay: boolean }>();
  let trouble: string | undefined;

  async function save(): Promise<void> {
    const batch = [...unsaved].filter(([, { isUnderWay }]) => !isUnderWay);
    if (unsaved.size === 0) trouble = undefined;
    if (batch.length === 0) return;
    const marked = batch.map(([key, { entry }]) => ({ key, held: { entry, isUnderWay: true } }));
    for (const { key, held } of marked) unsaved.set(key, held);
    try {
      await journal.append(marked.map(({ held }) => held.entry));
      for (const { key, held } of marked) if (unsaved.get(key) === held) unsaved.delete(key);
      if (unsaved.size === 0) trouble = undefined;
    } catch (error) {
      trouble = systemReason(error);
      for (const { key, held } of marked)
        if (unsaved.get(key) === held) unsaved.set(key, { ...held, isUnderWay: false });
      logger.note(note('journal-refused', { why: systemErrorCode(error) ?? 'unknown' }));
    }
  }

  return {
    keep(memory) {
      if (memory.kind === 'account') vault.settle(memory.account.account, memory.account.access);
      const entry: JournalEntry =
        memory.kind === 'account' ? { ...memory, sealed: vault.sealedOf(memory.account.access) } : memory;
      const key = keyOfEntry(entry);
      unsaved.delete(key);
      unsaved.set(key, { entry, isUnderWay: false });
      for (const [oldest] of unsaved) if (unsaved.size > unsavedMax) unsaved.delete(oldest);
      return save();
    },
    async writeNow(entry) {
      unsaved.delete(keyOfEntry(entry));
      const written = journal.append([entry]);
      journal.hurry();
      await written;
    },
    isKept: account => !unsaved.has(keyOfAccount(account)),
    async retry() {
      if (trouble !== undefined) await save();
      return trouble;
    },
  };
}
