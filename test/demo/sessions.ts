import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

const lookMs = 40;

/** The agents of a host: each connects once, as soon as the login in its store works and is not paused. */
export interface Sessions {
  /** Resolves when every agent has been answered; false for those that were refused. */
  readonly answered: Promise<readonly boolean[]>;
  readonly stop: () => void;
}

/** Starts one agent for each of the stores. */
export function startSessions(stores: readonly string[], profile: string, url: string): Sessions {
  const stopped = new AbortController();
  const answered = Promise.all(stores.map(store => runSession(store, profile, url, stopped.signal)));
  // Whoever stops them does not wait for the answer.
  answered.catch(() => {});
  return { answered, stop: () => stopped.abort() };
}

async function runSession(store: string, profile: string, url: string, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const document = JSON.parse(await readFile(store, 'utf8'));
    const { access, expires } = document.profiles[profile];
    if (expires > Date.now() && !isPaused(document.usageStats?.[profile])) {
      const headers = { authorization: `Bearer ${access}`, 'x-agent': store };
      const response = await fetch(url, { method: 'POST', headers, signal });
      if (response.status === 200) await noteUse(store, profile);
      return response.status === 200;
    }
    await wait(lookMs, undefined, { signal });
  }
}

/** As OpenClaw 2026.2.12 asks before every turn (`isProfileInCooldown`). */
function isPaused({ cooldownUntil = 0, disabledUntil = 0 }: { cooldownUntil?: number; disabledUntil?: number } = {}) {
  return Math.max(cooldownUntil, disabledUntil) > Date.now();
}

/** OpenClaw notes every turn that went well; that is how authmesh learns that a session is back. */
async function noteUse(store: string, profile: string): Promise<void> {
  const document = JSON.parse(await readFile(store, 'utf8'));
  const before = document.usageStats?.[profile];
  document.usageStats = { ...document.usageStats, [profile]: { ...before, lastUsed: Date.now() } };
  await writeFile(`${store}.use`, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
  await rename(`${store}.use`, store);
}
