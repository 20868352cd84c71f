import type { Memory } from '@authmesh/agent/core/effect';
import { note } from '@authmesh/shared/core/notes';
import type { Logger } from '@authmesh/shared/node/logger';
import type { AgentJournal, JournalEntry } from './agent-journal.ts';
import type { RecordVault } from './record-vault.ts';

/** Entries that wait for a disk that takes them again. */
const unsavedMax = 10_000;

/** What the journal kept goes back into the core's memory, its records into the vault. */
export function restoreMemory(journal: AgentJournal, vault: RecordVault, logger: Logger): Memory[] {
  const memory: Memory[] = [];
  const { copies, accounts, damagedLines } = journal.contents;
  if (damagedLines > 0) logger.note(note('journal-damaged', { why: `${damagedLines} lines` }));
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
  return memory;
}

/** Keeps memory in the journal; what a full disk refuses is kept with the next entry that it takes. */
export function createKeeper(
  journal: AgentJournal,
  vault: RecordVault,
  logger: Logger,
): (memory: Memory) => Promise<void> {
  let unsaved: JournalEntry[] = [];
  return async memory => {
    if (memory.kind === 'account') vault.settle(memory.account.account, memory.account.access);
    const entry: JournalEntry =
      memory.kind === 'account' ? { ...memory, sealed: vault.sealedOf(memory.account.access) } : memory;
    const entries = [...unsaved, entry];
    unsaved = [];
    try {
      await journal.append(entries);
    } catch (error) {
      unsaved = entries.slice(-unsavedMax);
      logger.note(note('journal-refused', { why: error instanceof Error ? error.name : 'unknown' }));
    }
  };
}
