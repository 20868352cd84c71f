import type { OutgoingMessage } from '@authmesh/agent/core/effect';
import type { Sealed } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { second } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Attest } from '@authmesh/shared/protocol/handshake';
import { tell } from './agent-process.ts';
import { commandEnd } from './command-line.ts';
import { type Agent, afterOnHost, type Host, hostClock } from './host.ts';
import { join } from './joining.ts';
import { isRecordedAsLeft, leaveAgain } from './leaving.ts';
import { coordinatorClosed, coordinatorReceives, peerAttests } from './peers.ts';
import { completed, keep } from './vault.ts';
import type { Link } from './world/network.ts';
import { sealProblem } from './world/seals.ts';
import { after, type World } from './world/world.ts';

/** How long an agent waits for the coordinator's proof. */
const handshakeMsMax = 5 * second;
/** The version that simulated peers say they have. */
export const simulatedVersion = '0.0.0-simulated';

/** The agent's end of connections: dialing, the handshake, and frames on their way in and out. */
export function dial(world: World, host: Host, agent: Agent, url: string): void {
  const { way } = host;
  const unreachable = (afterMs: number) =>
    afterOnHost(world, host, afterMs, () =>
      tell(world, host, agent, { type: 'link-closed', reason: 'unreachable', message: `${url} cannot be reached` }),
    );
  const process = world.central.process;
  if (way.cut.up || way.cut.down) return unreachable(handshakeMsMax);
  if (!process) return unreachable(2 * way.latencyMs);
  const link = world.network.open(way);
  agent.link = link;
  // The challenge comes first: half a round trip there, half back, before the proof is on its way.
  afterOnHost(world, host, 2 * way.latencyMs, () => {
    if (host.agent !== agent || !link.agentOpen) return;
    const attest = attestOf(world, host, 'daemon', agent.epoch);
    world.network.send(link, 'up', () => peerAttests(world, process, host, link, attest));
  });
  afterOnHost(world, host, handshakeMsMax, () => {
    if (agent.link === link && !openedLinks.has(link)) linkEnded(world, host, agent, link, 'unreachable');
  });
}

/** What a peer says of itself when it proves its key. */
export function attestOf(
  world: World,
  host: Host,
  role: Attest['role'],
  epoch: number,
): Omit<Attest, 'type' | 'signature'> {
  return {
    protocol: 1,
    serverNonce: '',
    nonce: '',
    node: host.id,
    publicKey: host.name,
    fleet: world.fleet,
    role,
    version: simulatedVersion,
    at: hostClock(world, host),
    epoch,
  };
}

/** Links whose handshake is complete at the agent's end. */
const openedLinks = new WeakSet<Link>();

/** The coordinator's proof arrived. */
export function welcomed(
  world: World,
  host: Host,
  link: Link,
  welcome: { readonly at: number; readonly epoch: number; readonly policy: ProfileFilter },
): void {
  const command = commandEnd(world, link);
  if (command) return command.opened();
  const { agent } = host;
  if (!agent || agent.link !== link || !link.agentOpen) return;
  openedLinks.add(link);
  const clockOffsetMs = hostClock(world, host) - welcome.at;
  agent.epoch = Math.max(agent.epoch, welcome.epoch);
  const { epoch, policy } = welcome;
  tell(world, host, agent, {
    type: 'link-opened',
    url: host.config.coordinators[0] ?? '',
    clockOffsetMs,
    epoch,
    policy,
  });
}

/** Hands a message to the socket; without one it is lost, as it is with a real one. */
export function sendUp(world: World, host: Host, agent: Agent, outgoing: OutgoingMessage): void {
  const { link } = agent;
  if (!link?.agentOpen) return;
  const message = completed(world, host, agent, outgoing);
  if (!message) return;
  const process = world.central.process;
  world.network.send(link, 'up', () => {
    if (process && world.central.process === process && link.coordinatorOpen)
      coordinatorReceives(world, process, link, message);
    else agentHears(world, host, link, 'lost', 'connection reset');
  });
}

/** A frame of the session reached the host. */
export function agentReceives(world: World, host: Host, link: Link, message: DownMessage): void {
  const command = commandEnd(world, link);
  if (command) return command.received(message);
  const { agent } = host;
  if (!agent || agent.link !== link || !link.agentOpen) return;
  onceAwake(world, host, () => tell(world, host, agent, { type: 'frame-received', message }));
}

/** An announcement reached the host: its record is opened before the core hears of it. */
export function agentHearsAnnouncement(
  world: World,
  host: Host,
  link: Link,
  facts: AnnouncementFacts,
  sealed: Sealed,
): void {
  const { agent } = host;
  if (!agent || agent.link !== link || !link.agentOpen) return;
  onceAwake(world, host, () => {
    const ticket = world.seals.open(sealed);
    const problem = sealProblem(facts, ticket);
    if (ticket && !problem) {
      keep(agent, ticket.credential);
      agent.records.set(facts.account, sealed);
    }
    tell(world, host, agent, { type: 'announced', facts, problem });
  });
}

/** The agent's end learns that the link is gone. */
export function agentHears(
  world: World,
  host: Host,
  link: Link,
  reason: CloseReason | 'lost' | 'unreachable',
  message: string,
): void {
  const { agent } = host;
  link.agentOpen = false;
  if (agent && agent.link === link) linkEnded(world, host, agent, link, reason, message);
}

function linkEnded(
  world: World,
  host: Host,
  agent: Agent,
  link: Link,
  reason: CloseReason | 'lost' | 'unreachable',
  message = reason as string,
): void {
  closeFromAgent(world, link);
  agent.link = undefined;
  // Its operator ends what `leave` began; or the coordinator came back from a backup that is older than this member, which is joined again.
  if (reason === 'unknownNode')
    afterOnHost(world, host, 20 * second, () => (isRecordedAsLeft(world, host) ? leaveAgain : join)(world, host));
  onceAwake(world, host, () => tell(world, host, agent, { type: 'link-closed', reason, message }));
}

/** The agent's end is closed; the other end hears of it when the way is open. */
export function closeFromAgent(world: World, link: Link): void {
  if (!link.agentOpen && !link.coordinatorOpen) return world.network.drop(link);
  link.agentOpen = false;
  world.network.send(link, 'up', () => {
    world.network.drop(link);
    coordinatorClosed(world, link);
  });
}

/** Cuts a link in the middle: what is on the way is lost, and both ends hear of it. */
export function cutLink(world: World, host: Host, link: Link): void {
  world.network.drop(link);
  after(world, 1, () => coordinatorClosed(world, link));
  onceAwake(world, host, () => agentHears(world, host, link, 'lost', 'connection reset'));
}

function onceAwake(world: World, host: Host, run: () => void): void {
  if (host.asleepUntil > world.now) afterOnHost(world, host, 0, run);
  else run();
}
