import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { printOf, type Secret, secretMarker } from './world/secret.ts';

/** One account at its provider. */
export interface Provider {
  /** As stores write it. */
  readonly name: string;
  /** A refresh token is good for one use; reuse revokes the family. */
  readonly rotates: boolean;
  /** The access token is a JWT that says when it was issued. */
  readonly datesTokens: boolean;
  readonly accessLifeMs: Milliseconds;
}

/** All that one login has become: access and refresh tokens, renewed again and again. */
export interface Family {
  readonly number: number;
  readonly account: AccountId;
  readonly provider: Provider;
  readonly loggedInAt: Instant;
  /** Of the newest pair. */
  serial: number;
  /** The newest access token's end. */
  accessEndsAt: Instant;
  /** Reuse of a spent refresh token ended it: nothing new comes out of it. */
  revoked: boolean;
}

/** What the token endpoint hands out. */
export interface Grant {
  readonly access: Secret;
  readonly refresh: Secret;
  readonly expiresInMs: Milliseconds;
  readonly issuedAt: Instant | undefined;
}

/** The oracle: it alone knows which tokens live, and every run is judged by it. */
export interface Issuer {
  readonly login: (account: AccountId, provider: Provider, now: Instant) => Grant;
  /** The refresh-token grant; undefined: `invalid_grant`. */
  readonly renew: (refresh: Secret, now: Instant) => Grant | undefined;
  readonly isAccessGood: (access: Secret, now: Instant) => boolean;
  /** Whether using this refresh token would still bring a new pair. */
  readonly isRefreshGood: (refresh: Secret) => boolean;
  /** The secret behind a fingerprint, for checkers and readers. */
  readonly secretOf: (print: Fingerprint) => Secret | undefined;
  readonly families: readonly Family[];
}

export function createIssuer(): Issuer {
  const families: Family[] = [];
  const endsAt = new Map<Secret, Instant>();
  const byPrint = new Map<Fingerprint, Secret>();

  function mint(family: Family, kind: 'access' | 'refresh'): Secret {
    const text = `${secretMarker}${family.number}.${family.serial}.${kind}`;
    const print = printOf(byPrint.size + 1);
    const secret: Secret = {
      text,
      print,
      digest: Number.parseInt(print.slice(0, 8), 16),
      family,
      serial: family.serial,
    };
    byPrint.set(secret.print, secret);
    return secret;
  }

  function grant(family: Family, kept: Secret | undefined, now: Instant): Grant {
    const { provider } = family;
    const access = mint(family, 'access');
    const refresh = kept ?? mint(family, 'refresh');
    family.accessEndsAt = now + provider.accessLifeMs;
    endsAt.set(access, family.accessEndsAt);
    // A JWT counts in whole seconds.
    const issuedAt = provider.datesTokens ? Math.floor(now / 1_000) * 1_000 : undefined;
    return { access, refresh, expiresInMs: provider.accessLifeMs, issuedAt };
  }

  function isRefreshGood({ family, serial }: Secret): boolean {
    return !family.revoked && (!family.provider.rotates || serial === family.serial);
  }

  return {
    families,
    login: (account, provider, now) => {
      const number = families.length + 1;
      const family: Family = {
        number,
        account,
        provider,
        loggedInAt: now,
        serial: 1,
        accessEndsAt: now,
        revoked: false,
      };
      families.push(family);
      return grant(family, undefined, now);
    },
    renew: (refresh, now) => {
      const { family } = refresh;
      if (!isRefreshGood(refresh)) {
        // RFC 9700 §4.14.2: a refresh token that comes twice was stolen, or shared.
        family.revoked = true;
        return undefined;
      }
      family.serial++;
      return grant(family, family.provider.rotates ? undefined : refresh, now);
    },
    isAccessGood: (access, now) => (endsAt.get(access) ?? 0) > now,
    isRefreshGood,
    secretOf: print => byPrint.get(print),
  };
}
