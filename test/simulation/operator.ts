import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, shiftExpiry } from '@authmesh/shared/core/time';
import { tell } from './agent-process.ts';
import { type Host, hostClock } from './host.ts';
import type { Grant, Provider } from './issuer.ts';
import { put } from './openclaw.ts';
import { writeLine } from './trace.ts';
import { storeChanged } from './watching.ts';
import { type Entry, restoreImage, type Store, type StoreImage } from './world/disk.ts';
import type { World } from './world/world.ts';

/*
 * What people do to hosts. Every action is one that field notes report: logins on the host at hand, files copied from
 * another host or out of a backup, profiles deleted, agents restarted.
 */

/** A login of one account as a profile is to hold it. */
export interface LoginSpec {
  readonly account: AccountId;
  readonly identity: Entry['identity'];
  readonly provider: Provider;
}

/** Logs in on a host, now or some time ago: a new family, whatever stood there before. */
export function logIn(
  world: World,
  host: Host,
  store: Store,
  profile: ProfileId,
  spec: LoginSpec,
  agoMs: Milliseconds = 0,
): void {
  if (world.trace.write)
    writeLine(world.trace, world.now, host.name, `(operator logs in ${profile} for ${accountLabel(spec.account)})`);
  const grant = world.issuer.login(spec.account, spec.provider, world.now - agoMs);
  const entry = entryOf(world, host, spec, grant, store.profiles.get(profile));
  put(world, host, store, profile, { ...entry, expires: shiftExpiry(entry.expires, -agoMs) });
}

function entryOf(world: World, host: Host, spec: LoginSpec, grant: Grant, before: Entry | undefined): Entry {
  const { access, refresh, issuedAt, expiresInMs } = grant;
  const { account, identity } = spec;
  const expires = hostClock(world, host) + expiresInMs;
  return {
    account,
    identity,
    shape: 'tokens',
    access,
    refresh,
    issuedAt,
    expires,
    other: before?.other ?? host.index + 1,
  };
}

/**
 * Copies a profile's tokens from another host by hand, as operators did before authmesh. The expiry is put right for
 * this host's clock: one that was not would be a lie that nobody can see through.
 */
export function copyProfile(
  world: World,
  from: { readonly host: Host; readonly store: Store },
  host: Host,
  to: Store,
  profile: ProfileId,
): void {
  const entry = from.store.profiles.get(profile);
  if (!entry) return;
  const expires = shiftExpiry(entry.expires, host.skewMs - from.host.skewMs);
  put(world, host, to, profile, { ...entry, expires, other: to.profiles.get(profile)?.other ?? host.index + 1 });
}

/** Puts an old file back. */
export function restoreFile(world: World, host: Host, store: Store, image: StoreImage): void {
  if (world.trace.write) writeLine(world.trace, world.now, host.name, '(operator restores an old file)');
  restoreImage(store, image);
  storeChanged(world, host, store);
}

export function deleteProfile(world: World, host: Host, store: Store, profile: ProfileId): void {
  if (!store.profiles.delete(profile)) return;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, `(operator deletes ${profile})`);
  store.version++;
  storeChanged(world, host, store);
}

/** Restarts the agent the polite way. */
export function drainAgent(world: World, host: Host): void {
  if (host.agent) tell(world, host, host.agent, { type: 'drain-requested' });
}

/** Changes `agent.json`, and has the agent read it where one runs. */
export function configure(world: World, host: Host, config: AgentConfig): void {
  if (world.trace.write)
    writeLine(world.trace, world.now, host.name, `(its custody is ${JSON.stringify(config.custody)})`);
  host.config = config;
  if (host.agent) tell(world, host, host.agent, { type: 'configured', config });
}

/** Sets the host's clock. */
export function setClock(world: World, host: Host, byMs: number): void {
  if (world.trace.write)
    writeLine(world.trace, world.now, host.name, `(its clock is set by ${Math.round(byMs / 1_000)} s)`);
  host.skewMs += byMs;
  host.clockWasSet = true;
  if (host.agent) host.agent.aheadMs += Math.max(0, byMs);
  if (host.agent) tell(world, host, host.agent, { type: 'clock-jumped', byMs });
}

/** Somebody sets the central host's clock; its process finds that out by itself. */
export function setCentralClock({ central }: World, byMs: Milliseconds): void {
  central.skewMs += byMs;
  central.clockIsAhead = byMs > 0;
  central.clockWasSet = true;
}

/** Takes a login of the fleet over on a host that lacks it. */
export function adopt(world: World, host: Host, store: StoreId, request: number): void {
  if (host.agent)
    tell(world, host, host.agent, { type: 'asked', request, control: { op: 'adopt', profiles: [], store } });
}
