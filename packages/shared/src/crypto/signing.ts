import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { bytesOfText, keyBytes, signatureBytes, textOfBytes } from './key-text.ts';

/** An Ed25519 key pair: tweetnacl's 32-byte seed and public key, ready to sign with `node:crypto`. */
export interface SigningKey {
  /** The secret half, 32 bytes. */
  readonly seed: Uint8Array;
  /** Base64 of the 32-byte public key. */
  readonly publicKey: string;
  readonly handle: KeyObject;
}

/** An Ed25519 public key, imported once: importing costs nearly half as much as a verification. */
export type PublicKey = KeyObject;

// RFC 8410 §7: what PKCS #8 and SubjectPublicKeyInfo put before the 32 bytes of an Ed25519 key.
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Most public keys kept imported; twice the largest fleet that is planned for. */
const importedKeysMax = 10_000;
const importedKeys = new Map<string, PublicKey>();

/** A new key pair from the system's random source. */
export function createSigningKey(): SigningKey {
  return signingKeyFromSeed(randomBytes(keyBytes));
}

/** The key pair of a 32-byte seed; throws a RangeError when the seed has another length. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== keyBytes) throw new RangeError(`an Ed25519 seed has ${keyBytes} bytes, not ${seed.length}`);
  const handle = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(handle).export({ format: 'der', type: 'spki' });
  return { seed: Uint8Array.from(seed), publicKey: textOfBytes(spki.subarray(publicPrefix.length)), handle };
}

/** The 64-byte signature of `bytes`, on the calling thread (about 30 µs). */
export function sign(key: SigningKey, bytes: Uint8Array): Uint8Array {
  return cryptoSign(null, bytes, key.handle);
}

/** The public key behind a base64 text, or undefined when it is not 32 bytes; the latest ones are kept. */
export function importPublicKey(text: string): PublicKey | undefined {
  const known = importedKeys.get(text);
  if (known) return known;
  const bytes = bytesOfText(text, keyBytes);
  if (!bytes) return undefined;
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, bytes]), format: 'der', type: 'spki' });
  const oldest = importedKeys.size >= importedKeysMax ? importedKeys.keys().next().value : undefined;
  if (oldest !== undefined) importedKeys.delete(oldest);
  importedKeys.set(text, key);
  return key;
}

/** Whether this turn of the event loop has checked a signature on its own thread. */
let hasTurnChecked = false;

/**
 * Whether `signature` is the key's over `bytes`. Never rejects. The first one of a turn of the event loop is checked at
 * once: the way to the thread pool and back takes ten times as long as the check. All others of that turn, as when a
 * fleet returns, go to the pool.
 */
export function verify(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== signatureBytes) return Promise.resolve(false);
  if (!hasTurnChecked) {
    hasTurnChecked = true;
    setImmediate(() => {
      hasTurnChecked = false;
    });
    return Promise.resolve(verifyNow(key, bytes, signature));
  }
  return new Promise(resolve => {
    cryptoVerify(null, bytes, key, signature, (error, valid) => resolve(!error && valid));
  });
}

/** The same on the calling thread (about 100 µs): for the few signatures of a record or a handshake's end. */
export function verifyNow(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === signatureBytes && cryptoVerify(null, bytes, key, signature);
}

/** Whether a base64 signature is that of the base64 public key; malformed texts are answered with false. */
export async function verifyText(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> {
  const key = importPublicKey(publicKey);
  const signed = bytesOfText(signature, signatureBytes);
  return key !== undefined && signed !== undefined && (await verify(key, bytes, signed));
}

/** `verifyText` on the calling thread. */
export function verifyTextNow(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const key = importPublicKey(publicKey);
  const signed = bytesOfText(signature, signatureBytes);
  return key !== undefined && signed !== undefined && verifyNow(key, bytes, signed);
}

/** The signature as the wire's messages carry it. */
export function signText(key: SigningKey, bytes: Uint8Array): string {
  return textOfBytes(sign(key, bytes));
}

/** A node's name: the first 16 bytes of a SHA-256 over a domain tag and its public key, as hex. */
export function nodeIdOf(publicKey: string): NodeId {
  const hash = createHash('sha256').update('authmesh node id 1\0').update(Buffer.from(publicKey, 'base64'));
  return hash.digest('hex').slice(0, 32) as NodeId;
}

/** The first 16 characters of a key's fingerprint in groups of four, for an operator to compare. */
export function shortKeyName(publicKey: string): string {
  return (nodeIdOf(publicKey).slice(0, 16).match(/.{4}/g) ?? []).join('-');
}
