import { randomBytes } from 'node:crypto';

export const hour = 3_600_000;

/** An entry of a store, as OpenClaw writes it. */
export type Entry = Readonly<Record<string, unknown>>;

export interface OAuthEntry extends Entry {
  readonly type: 'oauth';
  readonly provider: string;
  readonly access: string;
  readonly refresh: string;
  readonly expires: number;
  readonly accountId?: string;
}

export interface TokenEntry extends Entry {
  readonly type: 'token';
  readonly provider: string;
  readonly token: string;
}

/** A token of no service: made now, used nowhere else. */
export function secret(kind: string): string {
  return `${kind}-${randomBytes(24).toString('base64url')}`;
}

let accounts = 0;

/** A login's owner and the name that it has in stores: its own for each test, so that tests share a fleet. */
export interface Owner {
  readonly provider: string;
  readonly account: string;
  readonly profile: string;
}

export function owner(provider = 'openai-codex'): Owner {
  const name = `n${++accounts}${randomBytes(3).toString('hex')}`;
  return { provider, account: `acct_${name}`, profile: `${provider}:${name}` };
}

/** What a sign-in or a refresh of this owner stores: new tokens, that live for `lifeMs` from now. */
export function oauth({ provider, account }: Owner, lifeMs: number = hour): OAuthEntry {
  const expires = Date.now() + lifeMs;
  return { type: 'oauth', provider, access: secret('access'), refresh: secret('refresh'), expires, accountId: account };
}

/** A login whose owner only the profile's name tells. */
export function token({ provider }: Owner, lifeMs: number = hour): TokenEntry & { readonly expires: number } {
  return { type: 'token', provider, token: secret('token'), expires: Date.now() + lifeMs };
}
