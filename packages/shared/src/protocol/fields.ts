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

export const nodeId = hex32.transform(text => text as NodeId);
export const fleetId = hex32.transform(text => text as FleetId);
export const inviteId = hex32.transform(text => text as InviteId);
export const fingerprint = hex32.transform(text => text as Fingerprint);

export const accountId = z
  .string()
  .max(600)
  .regex(/^(oauth|token|api_key):[^/]+\/.+$/s, 'must be kind:provider/subject')
  .transform(text => text as AccountId);
export const profileId = z
  .string()
  .min(1)
  .max(512)
  .transform(text => text as ProfileId);
export const storeId = z
  .string()
  .min(1)
  .max(4096)
  .transform(text => text as StoreId);

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** 32 bytes as base64: an Ed25519 or X25519 public key, a nonce. */
export const bytes32 = z.string().length(44).regex(base64);
/** 64 bytes as base64: an Ed25519 signature. */
export const signature = z.string().length(88).regex(base64);
/** Longest sealed record, in base64 characters: with an observation it fits a frame many times. */
export const sealedCharsMax = 256 * 1024;
export const sealed = z
  .string()
  .max(sealedCharsMax)
  .regex(base64)
  .transform(text => text as Sealed);

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
/** A sentence for the operator; never holds a secret. */
export const sentence = z.string().max(sentenceCharsMax);
