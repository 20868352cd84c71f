import type { AuditEntry } from '@authmesh/coordinator/core/effect';
import { AuthmeshError, type ErrorDetails, systemErrorCode, systemReason } from '@authmesh/shared/node/errors';
import type { AuditTrail } from './audit-chain.ts';

/** A value under a key. Revisions rise over the whole store: each change has a number of its own. */
export interface StoredRecord {
  readonly key: string;
  /** Plain JSON. Reading gives a copy that the caller owns. */
  readonly value: unknown;
  readonly revision: number;
}

/** A record whose text is no JSON: it is left where it is. */
export interface DamagedRecord {
  readonly key: string;
  readonly reason: string;
}

export type SetOutcome =
  | { readonly ok: true; readonly revision: number }
  /** What stands there instead; revision 0 and `undefined` when nothing does. */
  | { readonly ok: false; readonly value: unknown; readonly revision: number };

/** Where the coordinator keeps what must outlive it. Every method throws `StoreError` for faults of the environment. */
export interface Store {
  readonly read: (key: string) => Promise<StoredRecord | undefined>;
  /** All records whose key begins with `prefix`, by key; those that cannot be read are named beside them. */
  readonly readAll: (
    prefix: string,
  ) => Promise<{ readonly records: readonly StoredRecord[]; readonly damaged: readonly DamagedRecord[] }>;
  /**
   * Replaces the value if the key still has revision `expected` (0: it does not exist). Resolves when the change is
   * durable, not before.
   */
  readonly compareAndSet: (key: string, expected: number, value: unknown) => Promise<SetOutcome>;
  /** Calls `listener` with each change under `prefix` from now on, whoever made it, in order. Returns how to stop. */
  readonly watch: (prefix: string, listener: (record: StoredRecord) => void) => () => void;
  /** Adds to the audit trail, which forgets by age and by count. */
  readonly appendAudit: (entry: AuditEntry) => Promise<void>;
  /** All of it, oldest first. */
  readonly readAudit: () => Promise<AuditTrail>;
  /** Writes a whole copy into a file that must not exist yet. */
  readonly backup: (file: string) => Promise<void>;
  /** Resolves when the store takes writes. */
  readonly check: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface AuditBounds {
  readonly ageMsMax: number;
  readonly entriesMax: number;
}

/** How a trail is kept. */
export interface AuditOptions extends AuditBounds {
  /** Of the coordinator alone, 32 bytes: what the chain is keyed with. */
  readonly secret: Uint8Array;
}

/** How long the audit trail reaches back unless configured. */
export const auditBounds: AuditBounds = { ageMsMax: 90 * 24 * 60 * 60 * 1_000, entriesMax: 100_000 };

/** Entries that may go by age with each new one: a clock that was far ahead for a moment must not take everything. */
export const agedAtOnceMax = 10;

type StoreErrorCode = 'ERR_STORE_UNAVAILABLE' | 'ERR_STORE_CORRUPT' | 'ERR_STORE_SCHEMA' | 'ERR_BACKUP_EXISTS';

/** The store's environment said no: the disk, a lock, a damaged or foreign file. */
export class StoreError extends AuthmeshError {
  constructor(code: StoreErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.name = 'StoreError';
  }
}

/** Why a backup could not be written to `file`. */
export function backupError(file: string, error: unknown): StoreError {
  if (systemErrorCode(error) === 'EEXIST') {
    return new StoreError('ERR_BACKUP_EXISTS', `${file} already exists and is not overwritten`, {
      hint: 'name a file that does not exist',
    });
  }
  const found = error instanceof StoreError ? error.message : systemReason(error);
  return new StoreError('ERR_STORE_UNAVAILABLE', `cannot write the backup ${file}: ${found}`, {
    hint: 'mend that or name another file',
    cause: error,
  });
}
