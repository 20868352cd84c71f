import type { AccountRecord } from '@authmesh/coordinator/core/record';
import {
  accountId,
  credentialKind,
  fingerprint,
  instant,
  nodeId,
  position,
  profileId,
  sealed,
} from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

const count = z.number().int().min(0);

const historyRow = z.object({
  number: count,
  revision: count.optional(),
  access: fingerprint.optional(),
  refresh: fingerprint.optional(),
  expiresAt: instant.nullable(),
  issuedAt: instant.optional(),
  origin: nodeId,
  at: instant,
  verdict: z.enum(['accepted', 'stale', 'parallel', 'quarantined', 'unlinked']),
  why: z.string(),
  sealed: sealed.optional(),
});

const currentRow = z.object({
  access: fingerprint,
  refresh: fingerprint.optional(),
  position,
  recoveredFrom: position.optional(),
  expiresAt: instant.nullable(),
  issuedAt: instant.optional(),
  origin: nodeId,
  home: nodeId,
  generation: count,
  acceptedAt: instant,
  acceptedEnd: instant.nullable().optional(),
  why: z.enum([
    'first',
    'completed',
    'successor',
    'issued-later',
    'current-dead',
    'recovered',
    'resealed',
    'renewed',
    'restored',
  ]),
  sealed,
});

const haltRow = z.object({
  state: z.enum(['in-doubt', 'needs-login']),
  by: z.enum(['lease', 'silence', 'openclaw']),
  node: nodeId,
  since: instant,
  why: z.string(),
  get over() {
    return haltRow.optional();
  },
});

const refreshRow = z.object({
  epoch: count,
  access: fingerprint,
  refresh: fingerprint,
  lease: z.object({ node: nodeId, since: instant, until: instant }).optional(),
  halt: haltRow.optional(),
});

/** An account's record as it stands in the store. */
export const accountRow = z.object({
  account: accountId,
  kind: credentialKind,
  profile: profileId,
  current: currentRow.optional(),
  ancestors: z.array(fingerprint),
  spent: z.array(fingerprint),
  history: z.array(historyRow),
  nextNumber: count,
  linked: z.array(z.string()),
  refresh: refreshRow.optional(),
});

/** An account's record as another writer left it; undefined when it is gone or not as this program writes it. */
export function readAccountRow(value: unknown): AccountRecord | undefined {
  return accountRow.safeParse(value).data;
}
