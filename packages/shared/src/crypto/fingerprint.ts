import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';

/**
 * All that may be known of a secret: HMAC-SHA-256 under the fleet's fingerprint key (32 bytes) over a domain tag and the
 * secret, the first 16 bytes as hex. Without the key nobody can test a guess.
 */
export function fingerprintSecret(key: Uint8Array, secret: string): Fingerprint {
  const mac = createHmac('sha256', handleOf(key)).update('authmesh credential fingerprint 1\0').update(secret, 'utf8');
  return mac.digest('hex').slice(0, 32) as Fingerprint;
}

/**
 * The key of drift fingerprints: HMAC-SHA-256 under the fleet key over a domain tag. It is another one with each key epoch
 * (DESIGN §5): whoever was evicted cannot test guesses of weak secrets against what is told later.
 */
export function driftKey(fleetKey: Uint8Array): Uint8Array {
  return createHmac('sha256', handleOf(fleetKey)).update('authmesh drift key 1\0').digest();
}

/** A secret's fingerprint under a {@link driftKey}: comparable inside the fleet while the key epoch lasts, worthless outside. */
export function fingerprintDrift(key: Uint8Array, secret: string): Fingerprint {
  const mac = createHmac('sha256', handleOf(key)).update('authmesh drift fingerprint 1\0').update(secret, 'utf8');
  return mac.digest('hex').slice(0, 32) as Fingerprint;
}

/** A key is imported once: with its bytes each hash takes three times as long, and every look at a store makes some. */
const handles = new WeakMap<Uint8Array, KeyObject>();

function handleOf(key: Uint8Array): KeyObject {
  const known = handles.get(key);
  if (known) return known;
  const handle = createSecretKey(key);
  handles.set(key, handle);
  return handle;
}
