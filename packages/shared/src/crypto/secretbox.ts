import { randomBytes } from 'node:crypto';
import type { Sealed } from '@authmesh/shared/core/identifiers';
import nacl from 'tweetnacl';
import { textOfBytes } from './key-text.ts';

const nonceBytes = nacl.secretbox.nonceLength;

/** Length of the base64 text that `plainBytes` bytes become when they are sealed. */
export function sealedChars(plainBytes: number): number {
  return Math.ceil((nonceBytes + nacl.secretbox.overheadLength + plainBytes) / 3) * 4;
}

/** Seals bytes with a 32-byte key: a random nonce, then tweetnacl's secretbox, together as base64. */
export function seal(plain: Uint8Array, key: Uint8Array): Sealed {
  const nonce = randomBytes(nonceBytes);
  return textOfBytes(Buffer.concat([nonce, nacl.secretbox(plain, nonce, key)])) as Sealed;
}

/** The bytes inside, or undefined when the text is damaged or was sealed with another key. */
export function open(sealed: Sealed, key: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < nonceBytes + nacl.secretbox.overheadLength) return undefined;
  return nacl.secretbox.open(bytes.subarray(nonceBytes), bytes.subarray(0, nonceBytes), key) ?? undefined;
}
