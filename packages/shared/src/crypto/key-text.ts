/** Lengths of keys and signatures in tweetnacl's formats (RFC 8032 §5.1.5 and §5.1.6). */
export const keyBytes = 32;
export const signatureBytes = 64;

/**
 * The bytes behind a base64 text of exactly `length` bytes, or undefined. Only the one canonical spelling is taken:
 * otherwise a key would have several texts, and two nodes could seem to differ.
 */
export function bytesOfText(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === length && bytes.toString('base64') === text ? bytes : undefined;
}

/** Base64 of a key, a nonce or a signature, as the wire carries it. */
export function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
