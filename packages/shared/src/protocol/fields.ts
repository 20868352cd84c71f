import type {
  AccountId,
  Fingerprint,
  FleetId,
  InviteId,
  NodeId,
  ProfileId,
  Sealed,
  StoreId,
} from '@authmesh/shared/core/identifiers';
import { z } from 'zod';
import { sentenceCharsMax } from './limits.ts';

/** Scalars of the wire, checked once and branded. Every bound of a string is here. */
const hex32 = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex characters');

export const nodeId = branded<NodeId>(hex32);
export const fleetId = branded<FleetId>(hex32);
export const inviteId = branded<InviteId>(hex32);
export const fingerprint = branded<Fingerprint>(hex32);

export const accountId = branded<AccountId>(
  z
    .string()
    .max(600)
    .regex(/^(oauth|token|api_key):[^/]+\/.+$/s, 'must be kind:provider/subject'),
);
export const profileId = branded<ProfileId>(z.string().min(1).max(512));
export const storeId = branded<StoreId>(z.string().min(1).max(4096));

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** 32 bytes as base64: an Ed25519 or X25519 public key, a nonce. */
export const bytes32 = z.string().length(44).regex(base64);
/** 64 bytes as base64: an Ed25519 signature. */
export const signature = z.string().length(88).regex(base64);
/** Longest sealed record, in base64 characters: with an observation it fits a frame many times. */
export const sealedCharsMax = 256 * 1024;
export const sealed = branded<Sealed>(z.string().max(sealedCharsMax).regex(base64));

/** Milliseconds since the Unix epoch; OpenClaw's "never" is the largest value in use. */
export const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const credentialKind = z.enum(['oauth', 'token', 'api_key']);
export const position = z.object({ epoch: z.number().int().min(0), revision: z.number().int().min(0) });
/** A host's name as its operator reads it. */
export const nodeName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w.-]+$/, 'may hold letters, digits, dot, dash and underscore');
/** What a secret is called, in every place of it: a variable, a key. */
export const secretName = z.string().min(1).max(100);
export const secretGroup = z.string().min(1).max(100);
/** A place that has no agent, by the name that its operator gives it. */
export const placeName = z.string().min(1).max(64);
/** A sentence for the operator; never holds a secret. */
export const sentence = z.string().max(sentenceCharsMax);

/** Only the type changes: a transform, or a brand of zod's own, would be run for every scalar of every message. */
export function branded<Text extends string>(schema: z.ZodString): z.ZodType<Text> {
  return schema as unknown as z.ZodType<Text>;
}
