import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { systemReason } from '@authmesh/shared/node/errors';
import { sweepOnce } from './durable-file.ts';
import { refreshLockNames } from './formats/refresh-lock-name.ts';
import { jsonStore } from './json-store.ts';
import { acquireLockFiles, giveToOwnerOf, type LockFileOutcome } from './lock-file.ts';
import { adapterOf } from './store-adapter.ts';
import { isMissing, locate } from './store-file.ts';
import { type LockOptions, lockStaleMs, lockWaitMs, storeLockPaths } from './store-lock.ts';

/*
 * Every lock that some release of OpenClaw takes around the refresh of a login (decisions/0033):
 *
 *                       <state>/locks/oauth-refresh/<name>.lock     auth-profiles.json.lock
 *   to 2026.4.19        –                                           through the exchange
 *   2026.4.20 – 6.1     `sha256-…`, through the exchange            within it, through the exchange
 *   2026.6.5 – 9.3      from 6.11 on `lock-…`, through the exchange –
 *   from 2026.9.4       `lock-…`, while a fence is set or lifted    –
 *
 * A release looks at the names of its own and at no other file there, so all are held, whichever release runs. Two things
 * are left to the caller. With the lock in hand the store is read anew: who held it before may have spent the refresh token,
 * and from 2026.9.4 on a fence in its place says that OpenClaw is spending it now, under no lock. And right before the
 * token is sent, `isHeld` is asked.
 *
 * It may be held through an exchange of 60 s: no release takes the lock of a living process away within 180 s, and from
 * 2026.5.12 on at all. Up to 2026.4.20 a store's lock is taken away after 30 s, which is why all are made young again
 * every 5 s. OpenClaw waits for a store's lock for 42 s and for a refresh lock for 142 s at least, and then fails that turn.
 * A process of another container cannot be told from a dead one, by either side.
 */

export interface RefreshedLogin {
  readonly stateDir: string;
  /** As the store names them. */
  readonly provider: string;
  readonly profile: ProfileId;
  /** The stores that the login is in, the main agent's last: OpenClaw locks them in that order. */
  readonly stores: readonly StoreId[];
}

/** As OpenClaw does: a lock there that names no process. */
const refreshStaleMs: Milliseconds = 180 * second;

const openaiNames = ['openai', 'openai-codex'];

/**
 * Keeps OpenClaw from refreshing these logins, until it is released: all of their locks, or none. Deliveries of this process
 * go on. Never throws.
 */
export async function acquireRefreshLocks(
  logins: readonly RefreshedLogin[],
  options: LockOptions = {},
): Promise<LockFileOutcome> {
  const common = { deadline: Date.now() + (options.waitMs ?? lockWaitMs), signal: options.signal, isLong: true };
  const refreshLocks: string[] = [];
  for (const login of logins) {
    try {
      const folder = locate(makeFolder(login.stateDir));
      for (const [provider, profile] of namesOf(login))
        refreshLocks.push(...refreshLockNames(provider, profile).map(name => join(folder, name)));
    } catch (error) {
      const reason = `the folder of OpenClaw’s locks cannot be made in ${login.stateDir}: ${systemReason(error)}`;
      return { state: 'failed', reason };
    }
  }
  const stores = logins
    .flatMap(login => login.stores)
    .filter(store => adapterOf(store) === jsonStore && !isMissing(store));
  // Two logins may have a name or a store in common, and one store two paths.
  const outcome = await acquireLockFiles([
    ...[...new Set(refreshLocks)].map(path => ({ path, options: { ...common, staleMs: refreshStaleMs } })),
    ...[...new Set(stores.flatMap(storeLockPaths))].map(path => ({
      path,
      options: { ...common, staleMs: lockStaleMs },
    })),
  ]);
  if (outcome.state === 'held')
    for (const folder of new Set(refreshLocks.map(dirname))) await sweepOnce(join(folder, 'any'));
  if (outcome.state !== 'locked') return outcome;
  const names = logins.map(({ profile }) => profile).join(', ');
  return { ...outcome, reason: `${names} cannot be refreshed now: ${outcome.reason}` };
}

/**
 * The login under every name that OpenClaw gave it: releases of both eras may run on one host, and a store that was not
 * migrated keeps the old names. In the order in which 2026.9.6 takes several: by provider, then by profile id.
 */
function namesOf({ provider, profile }: RefreshedLogin): readonly (readonly [string, string])[] {
  if (!openaiNames.includes(provider)) return [[provider, profile]];
  const rest = /^openai(?:-codex)?(:.*)$/s.exec(profile)?.[1];
  const profiles = rest === undefined ? [profile] : openaiNames.map(name => name + rest);
  return openaiNames.flatMap(name => profiles.toSorted(compare).map(one => [name, one] as const));
}

function compare(one: string, other: string): number {
  return one.localeCompare(other);
}

function makeFolder(stateDir: string): string {
  // A state directory that is not there is not made.
  let parent = stateDir;
  statSync(parent);
  for (const name of ['locks', 'oauth-refresh']) {
    const folder = join(parent, name);
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) giveToOwnerOf(parent, folder);
    parent = folder;
  }
  return parent;
}
