import type { LinkId } from '@authmesh/coordinator/core/event';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { second } from '@authmesh/shared/core/time';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Attest, Enroll } from '@authmesh/shared/protocol/handshake';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { type Peer, type Process, tellCoordinator } from './central.ts';
import { agentHears, agentHearsAnnouncement, agentReceives, welcomed } from './connection.ts';
import type { Host } from './host.ts';
import { admitted } from './joining.ts';
import type { Link } from './world/network.ts';
import { after, type World } from './world/world.ts';

/** Messages that may be on their way to one peer before it is cut off as a slow reader. */
const peerMessagesMax = 2_000;

/** A peer proved its key. */
export function peerAttests(
  world: World,
  process: Process,
  host: Host,
  link: Link,
  attest: Omit<Attest, 'type' | 'signature'>,
): void {
  if (world.central.process !== process) return agentHears(world, host, link, 'lost', 'connection reset');
  process.peers.set(link.id, { link, host });
  tellCoordinator(world, process, { type: 'attested', link: link.id, attest });
}

/** A peer proved an invite and its keys. */
export function peerEnrols(world: World, process: Process, host: Host, link: Link, enroll: Omit<Enroll, 'type'>): void {
  if (world.central.process !== process) return;
  process.peers.set(link.id, { link, host });
  tellCoordinator(world, process, { type: 'enroll-proved', link: link.id, enroll });
}

export function coordinatorReceives(world: World, process: Process, link: Link, message: UpMessage): void {
  tellCoordinator(world, process, { type: 'frame-received', link: link.id, message });
}

/** The coordinator's end learns that a link is gone. */
export function coordinatorClosed(world: World, link: Link): void {
  const { process } = world.central;
  link.coordinatorOpen = false;
  if (!process?.peers.delete(link.id)) return;
  tellCoordinator(world, process, { type: 'link-closed', link: link.id });
}

export function welcome(
  world: World,
  process: Process,
  id: LinkId,
  { epoch, policy }: { readonly epoch: number; readonly policy: ProfileFilter },
): void {
  const at = world.now + world.central.skewMs;
  const peer = readyPeer(world, process, id);
  if (peer) world.network.send(peer.link, 'down', () => welcomed(world, peer.host, peer.link, { at, epoch, policy }));
}

export function admit(world: World, process: Process, id: LinkId): void {
  const peer = readyPeer(world, process, id);
  if (peer) world.network.send(peer.link, 'down', () => admitted(world, peer.host, peer.link));
}

export function sendMessage(world: World, process: Process, id: LinkId, message: DownMessage): void {
  const peer = readyPeer(world, process, id);
  if (peer) world.network.send(peer.link, 'down', () => agentReceives(world, peer.host, peer.link, message));
}

export function announce(
  world: World,
  process: Process,
  { type: _, sealed, ...facts }: Announcement,
  links: readonly LinkId[] | 'all',
): void {
  for (const id of links === 'all' ? process.state.sessions.keys() : links) {
    const peer = readyPeer(world, process, id);
    if (!peer) continue;
    world.network.send(peer.link, 'down', () => agentHearsAnnouncement(world, peer.host, peer.link, facts, sealed));
  }
}

/** Whoever takes one more message; who reads too slowly is cut off. */
function readyPeer(world: World, process: Process, id: LinkId): Peer | undefined {
  const peer = process.peers.get(id);
  if (!peer?.link.coordinatorOpen) return undefined;
  if (peer.link.down.waiting < peerMessagesMax) return peer;
  closePeer(world, process, id, 'slowReader', 'slow reader');
  return undefined;
}

/** Closes a link from this end; the core hears `link-closed` as it would of a real socket. */
export function closePeer(world: World, process: Process, id: LinkId, reason: CloseReason, message: string): void {
  const peer = process.peers.get(id);
  if (!peer?.link.coordinatorOpen) return;
  closeFromCoordinator(world, peer.host, peer.link, reason, message);
  process.peers.delete(id);
  after(world, 1, () => tellCoordinator(world, process, { type: 'link-closed', link: id }));
}

export function closeFromCoordinator(
  world: World,
  host: Host,
  link: Link,
  reason: CloseReason | 'lost',
  message: string = reason,
): void {
  link.coordinatorOpen = false;
  world.network.send(link, 'down', () => {
    world.network.drop(link);
    agentHears(world, host, link, reason, message);
  });
}

const probeMsMax = 2 * second;

/** A living peer answers a ping within two round trips; a dead one never. */
export function probe(world: World, process: Process, id: LinkId): void {
  const peer = process.peers.get(id);
  const { cut } = peer?.link.way ?? { cut: { up: true, down: true } };
  const alive = peer?.link.agentOpen === true && peer.host.asleepUntil <= world.now && !cut.up && !cut.down;
  after(world, alive ? 2 * peer.link.way.latencyMs : probeMsMax, () =>
    tellCoordinator(world, process, { type: 'link-probed', link: id, alive }),
  );
}
