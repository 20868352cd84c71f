import { createHash } from 'node:crypto';

/*
 * What OpenClaw 2026.9.4 and later puts in place of both tokens while it refreshes, and leaves there when that fails
 * (field/openclaw-stores.md, 2.5):
 *
 *     openclaw-oauth-refresh-fence:v1:<claim>:refresh:<digest>
 *     openclaw-oauth-refresh-fence:v1:<claim>:failed:refresh:<digest>
 */

const prefix = 'openclaw-oauth-refresh-fence:';

export interface RefreshFence {
  readonly state: 'pending' | 'failed';
  /** Names the refresh token that is being spent, or was; absent where it is not in its place. */
  readonly digest?: string | undefined;
}

/** The fence that stands in place of these two; undefined where none does. */
export function readFence(access: string, refresh: unknown): RefreshFence | undefined {
  const texts = [access, refresh].filter(text => typeof text === 'string').filter(text => text.startsWith(prefix));
  if (texts.length === 0) return undefined;
  const digest = typeof refresh === 'string' ? /:refresh:([0-9a-f]{64})$/.exec(refresh)?.[1] : undefined;
  return { state: texts.some(text => text.includes(':failed:')) ? 'failed' : 'pending', digest };
}

/** What a fence in this profile says of a refresh token; `provider` as the profile names it. */
export function refreshDigest(profile: string, provider: string, refresh: string): string {
  const generation = ['openclaw.oauth-refresh-generation', 1, profile, provider, 'refresh', refresh];
  return createHash('sha256').update(JSON.stringify(generation)).digest('hex');
}
