import type { Sealed } from '@authmesh/shared/core/identifiers';
import { shiftExpiry } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { Agent, Host, VaultEntry } from './host.ts';
import type { Entry } from './world/disk.ts';
import type { Credential } from './world/secret.ts';
import type { World } from './world/world.ts';

/** Keeps the bytes of what was read; a bearer copy does not take the refresh token away from a full one. */
export function keepRead(agent: Agent, entry: Entry): void {
  const { access, refresh, account, expires, issuedAt } = entry;
  if (!access) return;
  const before = agent.vault.get(access.print);
  if (before && (before.credential.refresh || !refresh)) return;
  const credential: Credential = { account, kind: 'oauth', access, refresh, expiresAt: expires, issuedAt };
  agent.vault.set(access.print, { credential, clock: 'host' });
}

/** Keeps the bytes of an announced record; as above. */
export function keepAnnounced(agent: Agent, credential: Credential): void {
  const { access, refresh } = credential;
  if (!refresh && agent.vault.get(access.print)?.credential.refresh) return;
  agent.vault.set(access.print, { credential, clock: 'fleet' });
}

/** The expiry as this host's own clock counts. */
export function expiryOnHost(agent: Agent, { credential, clock }: VaultEntry): number | null {
  return clock === 'host' ? credential.expiresAt : shiftExpiry(credential.expiresAt, agent.state.clockOffsetMs);
}

/** Seals what a `publish` announces; undefined when the bytes are gone. */
export function sealFromVault(
  world: World,
  host: Host,
  agent: Agent,
  observation: Observation,
  generation: number,
): Sealed | undefined {
  const entry = observation.access === undefined ? undefined : agent.vault.get(observation.access);
  world.checks.sealed(world, host, observation, entry);
  if (!entry) return undefined;
  const { credential, clock } = entry;
  // As the real vault does: what is sealed is what is reported, no more.
  const refresh = observation.refresh === undefined ? undefined : credential.refresh;
  if (refresh?.print !== observation.refresh) return undefined;
  const expiresAt =
    clock === 'fleet' ? credential.expiresAt : shiftExpiry(credential.expiresAt, -agent.state.clockOffsetMs);
  return world.seals.seal({
    account: observation.account,
    generation,
    origin: host.id,
    credential: { ...credential, refresh, expiresAt },
  });
}
