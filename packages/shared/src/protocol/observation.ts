import { z } from 'zod';
import {
  accountId,
  credentialKind,
  fingerprint,
  instant,
  nodeId,
  position,
  profileId,
  sentence,
  storeId,
} from './fields.ts';
import { chainLinksMax } from './limits.ts';

/** Fingerprints of one credential's two secrets. */
export const prints = z.object({
  access: fingerprint,
  refresh: fingerprint.optional(),
});

/** What stood validly in a store once. */
export const held = prints.extend({
  /** When it was to end as that store said, by the node's clock; null: it did not. Absent: an agent that kept none. */
  expiresAt: instant.nullable().optional(),
});

/** How a profile looks on disk, before anybody asks how fresh it is. */
export const health = z.enum([
  /** A credential, whole and plausible; it may have expired. */
  'sound',
  /** Its token is an empty string or missing: the loser of a race wrote it. */
  'empty',
  /** Its `expires` cannot be: seconds, zero, negative, text, decades away. */
  'implausible',
  /** OpenClaw is refreshing it right now (2026.9.4 and later). */
  'fence-pending',
  /** OpenClaw's refresh failed and left a marker instead of the tokens. */
  'fence-failed',
  /** Its store cannot be read or understood: nothing is written there. */
  'quarantined',
]);
export type Health = z.infer<typeof health>;

/** One profile of one store, as a node reports it. Two fingerprints and dates; nothing here opens anything. */
export const observation = z.object({
  store: storeId,
  profile: profileId,
  account: accountId,
  /** Whether an account id, a subject or an e-mail says whose it is, or only the profile's own name. */
  identity: z.enum(['account', 'profile']),
  kind: credentialKind,
  health,
  access: fingerprint.optional(),
  refresh: fingerprint.optional(),
  /** By the node's clock; null: it does not end. */
  expiresAt: instant.nullable(),
  /** `iat` of the access token, by the issuer's clock. */
  issuedAt: instant.optional(),
  /** What stood validly in this store before, newest first. */
  chain: z.array(held).max(chainLinksMax),
  /** Where the fleet announced this very credential, as the node remembers: heals a restored coordinator. */
  announced: z
    .object({
      position,
      home: nodeId,
      origin: nodeId,
      /** An operator had taken the fleet back to it. */
      restored: z.boolean().optional(),
    })
    .optional(),
  /** The refresh token that a refresh by OpenClaw there spends, or may have spent. */
  spends: fingerprint.optional(),
  /** Why the last delivery to this profile failed, or why it was set aside. */
  trouble: sentence.optional(),
});
export type Observation = z.infer<typeof observation>;

/** Names a profile of a store on the sender's host. */
export const copyName = z.object({ store: storeId, profile: profileId });
export type CopyName = z.infer<typeof copyName>;
