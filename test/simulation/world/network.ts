import type { LinkId } from '@authmesh/coordinator/core/event';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Random } from './random.ts';

export type Direction = 'up' | 'down';

/** One direction of a connection: a TCP stream loses nothing and keeps the order; it only stalls. */
interface Pipe {
  lastArrival: Instant;
  /** Sent while the way was cut: TCP tries again until it is open. */
  readonly held: (() => void)[];
  /** Sent and not arrived. */
  waiting: number;
}

/** A connection between one host and the coordinator, whose ends may differ about whether it stands. */
export interface Link {
  readonly id: LinkId;
  readonly way: Way;
  readonly up: Pipe;
  readonly down: Pipe;
  agentOpen: boolean;
  coordinatorOpen: boolean;
}

/** What lies between one host and the coordinator. */
export interface Way {
  readonly latencyMs: Milliseconds;
  readonly cut: { up: boolean; down: boolean };
  /** Extra time that each message takes to a host that reads slowly. */
  slowMs: Milliseconds;
  readonly links: Set<Link>;
}

export interface Network {
  readonly open: (way: Way) => Link;
  /** `arrive` runs when the message is there, unless the link was torn down on the way. */
  readonly send: (link: Link, direction: Direction, arrive: () => void) => void;
  readonly mend: (way: Way, direction: Direction) => void;
  /** Forgets a link; what is on the way is lost. */
  readonly drop: (link: Link) => void;
}

export interface NetworkOptions {
  readonly now: () => Instant;
  readonly schedule: (at: Instant, run: () => void) => void;
  readonly random: Random;
  /** Share of messages that take ten to fifty times as long. */
  readonly delays: () => number;
  /** How much a latency varies; 0 makes every message take the same time. */
  readonly jitter: number;
}

export function createWay(latencyMs: Milliseconds): Way {
  return { latencyMs, cut: { up: false, down: false }, slowMs: 0, links: new Set() };
}

export function createNetwork(options: NetworkOptions): Network {
  const { now, schedule, random, jitter } = options;
  let links = 0;

  function transmit(link: Link, direction: Direction, arrive: () => void): void {
    const pipe = link[direction];
    let latency = link.way.latencyMs;
    if (jitter > 0) {
      latency *= 1 + random.fraction() * jitter;
      if (random.chance(options.delays())) latency *= 10 + random.below(40);
    }
    // A slow reader takes its messages one after the other.
    const earliest = direction === 'down' ? pipe.lastArrival + link.way.slowMs : pipe.lastArrival;
    const at = Math.max(earliest, now() + Math.max(1, Math.round(latency)));
    pipe.lastArrival = at;
    schedule(at, () => {
      pipe.waiting--;
      if (link.way.links.has(link)) arrive();
    });
  }

  return {
    open: way => {
      const link: Link = {
        id: ++links,
        way,
        up: { lastArrival: 0, held: [], waiting: 0 },
        down: { lastArrival: 0, held: [], waiting: 0 },
        agentOpen: true,
        coordinatorOpen: true,
      };
      way.links.add(link);
      return link;
    },
    send: (link, direction, arrive) => {
      const pipe = link[direction];
      pipe.waiting++;
      if (link.way.cut[direction]) pipe.held.push(arrive);
      else transmit(link, direction, arrive);
    },
    mend: (way, direction) => {
      way.cut[direction] = false;
      for (const link of way.links)
        for (const arrive of link[direction].held.splice(0)) transmit(link, direction, arrive);
    },
    drop: link => {
      link.agentOpen = false;
      link.coordinatorOpen = false;
      link.way.links.delete(link);
      link.up.held.length = 0;
      link.down.held.length = 0;
    },
  };
}
