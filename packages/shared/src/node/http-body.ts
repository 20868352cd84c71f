import type { IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

/**
 * The text that bytes of an answer are, of `bytesMax` bytes at most. A server may pack its answer whatever it was asked for:
 * of what cannot be unpacked, or not within the bound, the bytes are taken as they came, and are no text that says anything.
 */
export function readBody(bytes: Buffer, headers: IncomingHttpHeaders, bytesMax: number): string {
  // It leaves a byte order mark out.
  return new TextDecoder().decode(
    unpack(bytes, String(headers['content-encoding'] ?? ''), { maxOutputLength: bytesMax }),
  );
}

function unpack(bytes: Buffer, coding: string, bound: { readonly maxOutputLength: number }): Buffer {
  try {
    switch (coding.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, bound);
      case 'br':
        return brotliDecompressSync(bytes, bound);
      case 'deflate':
        // RFC 9110, 8.4.1.2: some servers leave the head of zlib out, whose first byte names its method, 8.
        return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, bound) : inflateRawSync(bytes, bound);
      default:
        return bytes;
    }
  } catch {
    return bytes;
  }
}
