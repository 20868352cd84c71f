import { hkdfSync, randomBytes } from 'node:crypto';
import type { InviteId } from '@authmesh/shared/core/identifiers';
import { keyBytes } from './key-text.ts';
import { type SigningKey, signingKeyFromSeed } from './signing.ts';

/** What the holder of a join code can do: prove the invite, and open what the inviter left for it. */
export interface InviteKeys {
  readonly signing: SigningKey;
  /** Opens the fleet's secrets, 32 bytes. */
  readonly boxKey: Uint8Array;
}

/** HKDF-SHA-256 (RFC 5869) of the invite's 32-byte secret, one output for each purpose. */
export function deriveInviteKeys(secret: Uint8Array): InviteKeys {
  return {
    signing: signingKeyFromSeed(derive(secret, 'authmesh invite signing key 1')),
    boxKey: derive(secret, 'authmesh invite box key 1'),
  };
}

function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), purpose, keyBytes));
}

/** A new invite: its public name and the 32 bytes that everything else derives from. */
export function createInviteSecret(): { readonly invite: InviteId; readonly secret: Uint8Array } {
  return { invite: randomBytes(16).toString('hex') as InviteId, secret: Uint8Array.from(randomBytes(keyBytes)) };
}
