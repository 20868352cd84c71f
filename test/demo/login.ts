import { randomBytes } from 'node:crypto';

const hour = 3_600_000;
export const day = 24 * hour;
export const profileId = 'openai-codex:default';

/** A login of the demo's only account, as a provider would give it out: the refresh token works once. */
export interface Login {
  readonly access: string;
  readonly refresh: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** A fresh login, made at run time, that ends after `lifeMs`; a negative life has ended. */
export function createLogin(lifeMs: number): Login {
  const token = () => randomBytes(24).toString('base64url');
  return { access: token(), refresh: token(), expires: Date.now() + lifeMs };
}

/** The text of an `auth-profiles.json` with the login, as OpenClaw writes it. `failedAt` marks it as refused by the provider. */
export function storeText({ access, refresh, expires }: Login, failedAt?: number | undefined): string {
  const usage =
    failedAt === undefined
      ? { lastUsed: Date.now() }
      : {
          lastUsed: failedAt,
          errorCount: 3,
          failureCounts: { auth: 3 },
          lastFailureAt: failedAt,
          cooldownUntil: failedAt + hour,
        };
  const profile = { type: 'oauth', provider: 'openai-codex', access, refresh, expires, accountId: 'acct_demo' };
  const store = {
    version: 1,
    profiles: { [profileId]: profile },
    order: { 'openai-codex': [profileId] },
    usageStats: { [profileId]: usage },
  };
  return `${JSON.stringify(store, null, 2)}\n`;
}
