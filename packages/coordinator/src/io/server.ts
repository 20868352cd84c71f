import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { SigningKey } from '@authmesh/shared/crypto/signing';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import { createConnection } from './connection.ts';
import type { Connection } from './connection-port.ts';
import { createHalfOpenCount, type HalfOpenLimits, halfOpenLimitsDefault } from './half-open.ts';
import type { HttpEndpoints } from './http-answers.ts';
import { createListener } from './listener.ts';
import { createSocketAcceptor, type PeerSocket } from './peer-socket.ts';
import { createPreparedAnnouncements } from './prepared-announcements.ts';
import type { ServerCounters } from './server-counters.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The key that nodes pinned. */
  readonly key: SigningKey;
  readonly now: () => Instant;
  readonly http: HttpEndpoints;
  readonly halfOpen?: HalfOpenLimits | undefined;
  /** Default 5 s, from the connection to the answer to the proof. */
  readonly attestDeadlineMs?: Milliseconds | undefined;
  /** Default 2 s. */
  readonly probeDeadlineMs?: Milliseconds | undefined;
  /** Default 4 MiB for each link. */
  readonly bufferedBytesMax?: number | undefined;
}

/** The effects that concern links. */
export type LinkEffect = Extract<
  CoordinatorEffect,
  { type: 'welcome' | 'admit' | 'refuse' | 'close-link' | 'probe' | 'send' | 'announce' }
>;

export interface CoordinatorServer {
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  execute(effect: LinkEffect): void;
  counters(): ServerCounters;
  /** Says `draining` to every link and frees the port. */
  close(): Promise<void>;
}

/** Frames that are kept prepared, in bytes: thousands of accounts. */
const preparedBytesMax = 32 * 1024 * 1024;

/**
 * The coordinator's side of every link: verifies who speaks and what is said, and tells the core as events. Events are
 * emitted one after another, never from within `execute`. A link that proved nothing is never mentioned.
 */
export function createServer(options: ServerOptions, emit: (event: CoordinatorEvent) => void): CoordinatorServer {
  const { key, now, probeDeadlineMs = 2 * second } = options;
  const connectionOptions = {
    key,
    probeDeadlineMs,
    attestDeadlineMs: options.attestDeadlineMs ?? 5 * second,
    bufferedBytesMax: options.bufferedBytesMax ?? 4 * 1024 * 1024,
  };
  const connections = new Map<LinkId, Connection>();
  const halfOpen = createHalfOpenCount(options.halfOpen ?? halfOpenLimitsDefault);
  const prepared = createPreparedAnnouncements(key, preparedBytesMax);
  const acceptSocket = createSocketAcceptor();
  const closedTotal: Partial<Record<CloseReason, number>> = {};
  const totals = {
    linksTotal: 0,
    turnedAwayTotal: 0,
    framesReceivedTotal: 0,
    bytesReceivedTotal: 0,
    messagesSentTotal: 0,
    announcementsTotal: 0,
    deliveriesTotal: 0,
  };
  let fleet: FleetId | undefined;

  /** How each connection gives back its place among the half-open. */
  const places = new WeakMap<Duplex, () => void>();
  const listener = createListener({ host: options.host, port: options.port, http: options.http, admit, upgrade });

  function admit(socket: Socket): Milliseconds | undefined {
    const giveBack = halfOpen.take(socket.remoteAddress ?? 'unknown');
    if (!giveBack) {
      totals.turnedAwayTotal += 1;
      return halfOpen.nextMoment();
    }
    places.set(socket, giveBack);
    socket.once('close', giveBack);
    return undefined;
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    acceptSocket(request, socket, head, peer => open(peer, () => places.get(socket)?.()).events);
  }

  function open(peer: PeerSocket, giveBack: () => void): Connection {
    const link = ++totals.linksTotal;
    const connection = createConnection(peer, connectionOptions, {
      attested({ type: _, signature: __, ...attest }) {
        emit({ type: 'attested', link, attest });
      },
      enrollProved({ type: _, ...enroll }) {
        emit({ type: 'enroll-proved', link, enroll });
      },
      received(message, bytes) {
        totals.framesReceivedTotal += 1;
        totals.bytesReceivedTotal += bytes;
        emit({ type: 'frame-received', link, message });
      },
      settled: giveBack,
      ended({ proved, reason }) {
        connections.delete(link);
        if (reason) closedTotal[reason] = (closedTotal[reason] ?? 0) + 1;
        if (proved) queueMicrotask(() => emit({ type: 'link-closed', link }));
      },
    });
    connections.set(link, connection);
    return connection;
  }

  function announce({ announcement, links, last }: Extract<LinkEffect, { type: 'announce' }>): void {
    if (fleet === undefined) return;
    const wire = prepared.wireFor(announcement, fleet);
    totals.announcementsTotal += 1;
    if (links !== 'all') {
      for (const link of links) deliver(connections.get(link), wire);
      return;
    }
    const later = last === undefined ? undefined : connections.get(last);
    for (const connection of connections.values()) {
      if (connection !== later && connection.takesBroadcasts()) deliver(connection, wire);
    }
    if (later?.takesBroadcasts()) deliver(later, wire);
  }

  function deliver(connection: Connection | undefined, wire: Uint8Array): void {
    if (connection?.sendPrepared(wire)) totals.deliveriesTotal += 1;
  }

  function execute(effect: LinkEffect): void {
    switch (effect.type) {
      case 'announce':
        return announce(effect);
      case 'probe':
        return probe(effect.link);
      case 'welcome':
        // Announcements go to welcomed links only, so the fleet that they are signed for is known by then.
        fleet = effect.fleet;
        return connections.get(effect.link)?.welcome({
          fleet,
          at: now(),
          epoch: effect.epoch,
          policy: { allow: [...effect.policy.allow], deny: [...effect.policy.deny] },
        });
      case 'admit':
        return connections
          .get(effect.link)
          ?.admit({ fleet: effect.fleet, name: effect.name, sealed: effect.sealed, at: now() });
      case 'refuse':
        return connections.get(effect.link)?.refuse(effect.reason, effect.message);
      case 'close-link':
        return connections.get(effect.link)?.close(effect.reason);
      case 'send':
        totals.messagesSentTotal += 1;
        return connections.get(effect.link)?.send(effect.message);
      default:
        return effect satisfies never;
    }
  }

  function probe(link: LinkId): void {
    const answered = (alive: boolean) => queueMicrotask(() => emit({ type: 'link-probed', link, alive }));
    const connection = connections.get(link);
    if (connection) connection.probe(answered);
    else answered(false);
  }

  return {
    listen: () => listener.listen(),
    execute,
    counters: () => ({
      ...totals,
      links: connections.size,
      halfOpen: halfOpen.size,
      halfOpenPeak: halfOpen.peak,
      closedTotal: { ...closedTotal },
    }),
    close() {
      const closed = listener.close();
      for (const connection of [...connections.values()]) connection.close('draining');
      return closed;
    },
  };
}
