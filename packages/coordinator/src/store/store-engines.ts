import { join } from 'node:path';
import type { TransactionStep } from './group-commit.ts';
import { createMemoryStore } from './memory-store.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { type AuditBounds, auditBounds, type Store } from './store.ts';

/** The store of a data folder. */
export function openStore(
  dataDir: string,
  kind: 'sqlite' | 'memory',
  audit: AuditBounds = auditBounds,
  at?: (step: TransactionStep) => void,
): Promise<Store> {
  if (kind === 'memory') return Promise.resolve(createMemoryStore(audit));
  return openSqliteStore(join(dataDir, 'authmesh.sqlite'), audit, at);
}
