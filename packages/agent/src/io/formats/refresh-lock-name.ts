import { createHash } from 'node:crypto';

/*
 * Under what names OpenClaw locks the refresh of one login, in `<state>/locks/oauth-refresh`: `sha256-….lock` from
 * 2026.4.20 to 2026.6.5 or later, `lock-….lock` from 2026.6.11 on at the latest. Provider and profile id go in as the
 * store names them.
 */

const prime = 1_099_511_628_211n;
const mask = (1n << 64n) - 1n;

/** Every name of one login's lock, the newest form first. */
export function refreshLockNames(provider: string, profile: string): readonly string[] {
  const digest = createHash('sha256').update(`${provider}\0${profile}`).digest('hex');
  return [`lock-${twinDigest(JSON.stringify([provider, profile]))}.lock`, `sha256-${digest}.lock`];
}

/** FNV-1a of 64 bits, and beside it OpenClaw's own variation of that. */
function twinDigest(text: string): string {
  let left = 14_695_981_039_346_656_037n;
  let right = 11_160_318_154_034_397_263n;
  for (const byte of Buffer.from(text, 'utf8')) {
    const octet = BigInt(byte);
    left = ((left ^ octet) * prime) & mask;
    right = ((right ^ (octet + 11_400_714_819_323_198_485n)) * prime) & mask;
  }
  return [left, right].map(half => half.toString(16).padStart(16, '0')).join('');
}
