import { mix } from '@authmesh/shared/core/chance';
import type { AccountId, CredentialKind, Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Family } from '../issuer.ts';

/** Every simulated secret starts with this: where it is found, a secret is. */
export const secretMarker = 'SECRET~';

/** A token of the issuer. Only the issuer, the stores and the vaults handle these. */
export interface Secret {
  readonly text: string;
  /** What the fleet's keyed hash makes of it. */
  readonly print: Fingerprint;
  /** A number that goes with the fingerprint. */
  readonly digest: number;
  /** Whose it is and how many renewals it stands after the login: the oracle's knowledge, no program's. */
  readonly family: Family;
  readonly serial: number;
}

/** The bytes of a login as a vault and a sealed record hold them. */
export interface Credential {
  readonly account: AccountId;
  readonly kind: CredentialKind;
  readonly access: Secret;
  readonly refresh?: Secret | undefined;
  readonly issuedAt?: Instant | undefined;
}

/** 32 hex characters that stand for the keyed hash of the `number`th secret. */
export function printOf(number: number): Fingerprint {
  return hex128(number) as Fingerprint;
}

/** 32 hex characters that depend on a number alone. */
export function hex128(number: number): string {
  let text = '';
  for (let word = 0; word < 4; word++)
    text += mix(number ^ Math.imul(word + 1, 0x85ebca6b))
      .toString(16)
      .padStart(8, '0');
  return text;
}
