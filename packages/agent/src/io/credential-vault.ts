import { inspect } from 'node:util';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Credential } from '@authmesh/shared/protocol/credential';

/** Far above what the stores of one host hold, low enough that a flood of logins costs some megabytes at most. */
export const vaultCredentialsMax = 2_000;

const printed = '[credential vault]';

/**
 * The bytes behind the fingerprints that the core decides by. In memory only, bounded: above the limit the credential
 * that was not asked for longest goes, unless it is among those to keep. However it is printed, nothing of it shows.
 */
export class CredentialVault {
  readonly #credentials = new Map<Fingerprint, Credential>();
  readonly #limit: number;
  #keep: ReadonlySet<Fingerprint> = new Set();

  constructor(limit: number = vaultCredentialsMax) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#credentials.size;
  }

  /** Keeps `credential` under its access fingerprint. A bearer copy never takes the place of the whole credential. */
  put(access: Fingerprint, credential: Credential): void {
    const known = this.#credentials.get(access);
    const whole = credential.refresh === undefined && known?.refresh !== undefined ? known : credential;
    this.#credentials.delete(access);
    this.#credentials.set(access, whole);
    this.#shrink(access);
  }

  get(access: Fingerprint): Credential | undefined {
    const credential = this.#credentials.get(access);
    if (!credential) return undefined;
    this.#credentials.delete(access);
    this.#credentials.set(access, credential);
    return credential;
  }

  /** A refresh token of which `isIt` holds. */
  findRefresh(isIt: (refresh: string) => boolean): string | undefined {
    for (const { refresh } of this.#credentials.values()) if (refresh !== undefined && isIt(refresh)) return refresh;
    return undefined;
  }

  has(access: Fingerprint): boolean {
    return this.#credentials.has(access);
  }

  /** Says which credentials must stay, whatever the limit; it replaces the set before. */
  keep(fingerprints: Iterable<Fingerprint>): void {
    this.#keep = new Set(fingerprints);
    this.#shrink();
  }

  toJSON(): string {
    return printed;
  }

  toString(): string {
    return printed;
  }

  [inspect.custom](): string {
    return printed;
  }

  #shrink(newest?: Fingerprint): void {
    if (this.#credentials.size <= this.#limit) return;
    for (const access of this.#credentials.keys()) {
      if (this.#credentials.size <= this.#limit) return;
      if (access !== newest && !this.#keep.has(access)) this.#credentials.delete(access);
    }
  }
}
