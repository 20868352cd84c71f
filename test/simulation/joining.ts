import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { startAgent } from './agent-process.ts';
import { startCoordinator } from './central.ts';
import { simulatedVersion } from './connection.ts';
import { invites } from './fleet.ts';
import { type Host, hostClock } from './host.ts';
import { peerEnrols } from './peers.ts';
import { writeLine } from './trace.ts';
import type { Link } from './world/network.ts';
import type { Random } from './world/random.ts';
import { after, type World } from './world/world.ts';

const joinRetryMs: Milliseconds = 10 * second;

/** An operator joins a host with a code of the fleet, and tries again until it is a member. */
export function join(world: World, host: Host): void {
  if (host.joining || host.hasLeft) return;
  host.joining = true;
  attempt(world, host);
}

function attempt(world: World, host: Host): void {
  if (!host.joining) return;
  after(world, joinRetryMs, () => attempt(world, host));
  const process = world.central.process;
  if (!process || host.way.cut.up || host.way.cut.down || host.asleepUntil > world.now) return;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, '(joins)');
  const link = world.network.open(host.way);
  const enroll = {
    protocol: 1,
    serverNonce: '',
    nonce: '',
    invite: invites.open,
    inviteKey: 'invite',
    node: host.id,
    publicKey: host.name,
    boxKey: host.name,
    name: host.name,
    version: simulatedVersion,
    at: hostClock(world, host),
    inviteSignature: 'signed',
    signature: 'signed',
  };
  world.network.send(link, 'up', () => peerEnrols(world, process, host, link, enroll));
}

/** The coordinator made the host a member: its agent is started. */
export function admitted(world: World, host: Host, link: Link): void {
  world.network.drop(link);
  host.joining = false;
  host.member = true;
  startAgent(world, host);
}

/** Service managers: what has stopped is started again after a while. */
export function keepRunning(world: World, random: Random): void {
  const look = () => {
    for (const host of world.hosts)
      if (host.member && !host.agent && host.asleepUntil <= world.now && random.chance(0.5)) startAgent(world, host);
    if (!world.central.process && random.chance(0.5)) startCoordinator(world);
    after(world, 2 * second, look);
  };
  after(world, 2 * second, look);
}
