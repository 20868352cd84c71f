import type { OutgoingMessage } from '@authmesh/agent/core/effect';
import type { Sealed } from '@authmesh/shared/core/identifiers';
import type { Renewal } from '@authmesh/shared/protocol/lease';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { Agent, Host } from './host.ts';
import type { Entry } from './world/disk.ts';
import type { Credential } from './world/secret.ts';
import type { World } from './world/world.ts';

/** Keeps the bytes of what was read; a bearer copy does not take the refresh token away from a full one. */
export function keepRead(agent: Agent, entry: Entry): void {
  const { access, refresh, account, issuedAt } = entry;
  if (access) keep(agent, { account, kind: 'oauth', access, refresh, issuedAt });
}

/** Keeps the bytes of a login, read or announced. */
export function keep(agent: Agent, credential: Credential): void {
  const { access, refresh } = credential;
  if (!refresh && agent.vault.get(access.print)?.refresh) return;
  agent.vault.set(access.print, credential);
}

/** Seals what a `publish` announces; undefined when the bytes are gone. */
function sealFromVault(
  world: World,
  host: Host,
  agent: Agent,
  observation: Observation,
  generation: number,
): Sealed | undefined {
  const credential = observation.access === undefined ? undefined : agent.vault.get(observation.access);
  world.checks.sealed(world, host, observation, credential);
  if (!credential) return undefined;
  // As the real vault does: what is sealed is what is reported, no more.
  const refresh = observation.refresh === undefined ? undefined : credential.refresh;
  if (refresh?.print !== observation.refresh) return undefined;
  return world.seals.seal({
    account: observation.account,
    generation,
    origin: host.id,
    credential: { ...credential, refresh },
  });
}

/** Seals what a lease has brought; undefined when the bytes are gone. */
function sealRenewed(
  world: World,
  host: Host,
  agent: Agent,
  { account, generation, renewed }: Omit<Renewal, 'sealed'>,
): Sealed | undefined {
  const credential = agent.vault.get(renewed.access);
  if (credential?.refresh?.print !== renewed.refresh) return undefined;
  return world.seals.seal({ account, generation, origin: host.id, credential });
}

/** Adds the sealed record to what needs one. */
export function completed(world: World, host: Host, agent: Agent, message: OutgoingMessage): UpMessage | undefined {
  if (message.type === 'renewal') {
    const sealed = sealRenewed(world, host, agent, message);
    return sealed === undefined ? undefined : { ...message, sealed };
  }
  if (message.type === 'recollection') {
    const sealed = agent.records.get(message.facts.account);
    return sealed === undefined ? undefined : { ...message, sealed };
  }
  if (message.type !== 'publish') return message;
  const sealed = sealFromVault(world, host, agent, message.observation, message.generation);
  return sealed === undefined ? undefined : { ...message, sealed };
}
