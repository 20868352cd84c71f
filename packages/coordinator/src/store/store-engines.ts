import { join } from 'node:path';
import type { CoordinatorKeys } from '@authmesh/coordinator/io/keys';
import type { TransactionStep } from './group-commit.ts';
import { createMemoryStore } from './memory-store.ts';
import { type NamedTrail, readSqliteTrail } from './sqlite-audit.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { type AuditBounds, auditBounds, type Store } from './store.ts';

export interface StorePlace {
  readonly dataDir: string;
  readonly kind: 'sqlite' | 'memory';
  readonly keys: Pick<CoordinatorKeys, 'signing'>;
  readonly audit?: AuditBounds | undefined;
  readonly at?: ((step: TransactionStep) => void) | undefined;
}

/** The store of a data folder. */
export function openStore({ dataDir, kind, keys, audit = auditBounds, at }: StorePlace): Promise<Store> {
  const options = { ...audit, secret: keys.signing.seed };
  if (kind === 'memory') return Promise.resolve(createMemoryStore(options));
  return openSqliteStore(fileIn(dataDir), options, at);
}

/** The audit trail of a data folder, whether or not a coordinator runs on it. */
export function readTrail(dataDir: string): NamedTrail {
  return readSqliteTrail(fileIn(dataDir));
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'authmesh.sqlite');
}
