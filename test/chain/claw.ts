import { setTimeout as delay } from 'node:timers/promises';
import type { StoreFile } from '../e2e/harness/store-file.ts';
import type { OAuthServer } from '../oauth/server.ts';

/** What became of the turns of one agent. */
export interface Turns {
  /** The access token was taken. */
  good: number;
  /** It was refused, or had ended and could not be renewed. */
  failed: number;
}

const turnMs = 250;

/**
 * An agent of OpenClaw as far as its login goes: each turn uses the access token that stands in its store; one that has
 * ended is renewed with the refresh token that stands beside it, as each OpenClaw does on its own.
 */
export function startClaw(
  server: OAuthServer,
  store: StoreFile,
  profile: string,
): { readonly turns: Turns; readonly stop: () => Promise<void> } {
  const turns: Turns = { good: 0, failed: 0 };
  const stopping = new AbortController();

  async function turn(): Promise<void> {
    const entry = store.entry(profile);
    const hasEnded = Number(entry?.expires) <= Date.now();
    if (!entry || (hasEnded && !(await renew(String(entry.refresh ?? ''))))) {
      turns.failed++;
      return;
    }
    const access = String(store.entry(profile)?.access);
    const { status } = await fetch(server.resourceUrl, { headers: { authorization: `Bearer ${access}` } });
    if (status === 200) turns.good++;
    else turns.failed++;
  }

  async function renew(refresh: string): Promise<boolean> {
    if (refresh === '') return false;
    const grant = { grant_type: 'refresh_token', refresh_token: refresh, client_id: server.clientId };
    const answer = await fetch(server.tokenEndpoint, { method: 'POST', body: new URLSearchParams(grant) });
    if (!answer.ok) return false;
    const told = (await answer.json()) as { access_token: string; refresh_token: string; expires_in: number };
    const { access_token: access, refresh_token: next, expires_in: life } = told;
    store.put(profile, { ...store.entry(profile), access, refresh: next, expires: Date.now() + life * 1_000 });
    return true;
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await turn();
      await delay(turnMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    turns,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
