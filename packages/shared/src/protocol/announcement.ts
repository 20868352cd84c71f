import { z } from 'zod';
import { accountId, credentialKind, fingerprint, instant, nodeId, position, profileId, sealed } from './fields.ts';

/** What the fleet's stores should hold for one account; signed once, sent to every node. */
export const announcement = z.object({
  type: z.literal('announce'),
  account: accountId,
  kind: credentialKind,
  /** The id under which the origin keeps it: the one that `adopt` gives it elsewhere. */
  profile: profileId,
  position,
  generation: z.number().int().min(1),
  access: fingerprint,
  refresh: fingerprint.optional(),
  /** By the coordinator's clock; null: it does not end. */
  expiresAt: instant.nullable(),
  issuedAt: instant.optional(),
  origin: nodeId,
  home: nodeId,
  /** An operator took the fleet back to an older credential: exempt from the ancestor rule. */
  restored: z.boolean(),
  /** The record itself, which the coordinator cannot open. */
  sealed,
});
export type Announcement = z.infer<typeof announcement>;

/** An announcement as cores know it: the sealed bytes stay in the shell. */
export type AnnouncementFacts = Omit<Announcement, 'type' | 'sealed'>;
