import { z } from 'zod';
import { accountId, bytes32, credentialKind, fleetId, instant, nodeId, signature } from './fields.ts';

/** Longest secret that is taken for one; OpenAI's access tokens have about 2 KB. */
export const secretCharsMax = 32 * 1024;
const secret = z.string().min(1).max(secretCharsMax);

/** A login itself: what a store holds and a sealed record carries. Never logged, never in a core. */
export const credential = z.object({
  kind: credentialKind,
  /** As the origin's store writes it (`openai-codex`, not its canonical name). */
  provider: z.string().min(1).max(200),
  /** The access token, the setup token or the API key. */
  access: secret,
  refresh: secret.optional(),
  idToken: secret.optional(),
  /** By the coordinator's clock; null: the store says nothing of an end. */
  expiresAt: instant.nullable(),
  /** The entry's other fields (account id, e-mail, client id …): needed where the profile is created anew. */
  details: z.record(z.string().max(200), z.json()),
});
export type Credential = z.infer<typeof credential>;

/** What is signed by the origin and then sealed. */
export const credentialRecord = z.object({
  fleet: fleetId,
  account: accountId,
  generation: z.number().int().min(1),
  origin: nodeId,
  /** The origin's public key; its fingerprint is `origin`. */
  originKey: bytes32,
  credential,
});
export type CredentialRecord = z.infer<typeof credentialRecord>;

/** The plaintext of a sealed record: the record's own JSON text, so that the signature covers the very bytes. */
export const signedRecord = z.object({ record: z.string(), signature });
