import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { keyBytes, textOfBytes } from './key-text.ts';

/** An X25519 key pair in tweetnacl's formats: what is meant for one node alone is boxed to it. */
export interface BoxKey {
  /** The secret half, 32 bytes. */
  readonly secret: Uint8Array;
  /** Base64 of the 32-byte public key. */
  readonly publicKey: string;
}

// RFC 8410 §7: what PKCS #8 and SubjectPublicKeyInfo put before the 32 bytes of an X25519 key.
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefixBytes = 12;

/** A new key pair from the system's random source. */
export function createBoxKey(): BoxKey {
  return boxKeyFromSecret(randomBytes(keyBytes));
}

/** The key pair of a 32-byte secret; throws a RangeError when it has another length. */
export function boxKeyFromSecret(secret: Uint8Array): BoxKey {
  if (secret.length !== keyBytes) throw new RangeError(`an X25519 secret has ${keyBytes} bytes, not ${secret.length}`);
  const handle = createPrivateKey({ key: Buffer.concat([privatePrefix, secret]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(handle).export({ format: 'der', type: 'spki' });
  return { secret: Uint8Array.from(secret), publicKey: textOfBytes(spki.subarray(publicPrefixBytes)) };
}
