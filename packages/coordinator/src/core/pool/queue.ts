import type { NodeId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Claim } from '@authmesh/shared/protocol/permit';

/** A claim that waits for its permit. */
export interface Waiting {
  readonly node: NodeId;
  readonly claim: Claim;
  readonly since: Milliseconds;
}

/** What waits of one node, in order of arrival. */
interface Lane {
  readonly node: NodeId;
  /** Sessions that were granted to it while somebody waited: the lane with the fewest is next. */
  served: number;
  readonly claims: Map<number, Waiting>;
}

/**
 * Fair by node, in order within a node: each grant goes to the node that has had the fewest sessions, so that a host
 * with one agent is not held up by one with fifteen. A newcomer starts level with those who wait.
 */
export interface Queue {
  readonly lanes: Map<NodeId, Lane>;
  /** Lanes by what they were served, each level in the order in which they came to it. */
  readonly levels: Map<number, Set<Lane>>;
  /** How many wait of each size. */
  readonly sizes: Map<number, number>;
  /** Those that need more than one session, oldest first: smaller ones must not pass them for ever. */
  readonly large: Map<string, Waiting>;
  sessions: number;
  count: number;
  /** How many are recoveries: the first of them is a canary. */
  recoveries: number;
}

export function createQueue(): Queue {
  return {
    lanes: new Map(),
    levels: new Map(),
    sizes: new Map(),
    large: new Map(),
    sessions: 0,
    count: 0,
    recoveries: 0,
  };
}

/** The claim, if it waits here. */
export function waitingOf(queue: Queue, node: NodeId, id: number): Waiting | undefined {
  return queue.lanes.get(node)?.claims.get(id);
}

/** Lines a claim up; one that waits already keeps its place. */
export function enqueue(queue: Queue, waiting: Waiting): void {
  const { node, claim } = waiting;
  let lane = queue.lanes.get(node);
  if (!lane) {
    lane = { node, served: levelsOf(queue)[0] ?? 0, claims: new Map() };
    queue.lanes.set(node, lane);
    place(queue, lane);
  }
  if (lane.claims.has(claim.id)) return;
  lane.claims.set(claim.id, waiting);
  queue.sizes.set(claim.sessions, (queue.sizes.get(claim.sessions) ?? 0) + 1);
  if (claim.sessions > 1) queue.large.set(nameOf(waiting), waiting);
  queue.sessions += claim.sessions;
  queue.count++;
  if (isRecovery(claim)) queue.recoveries++;
}

/** Takes a claim out; `served` says that it was granted, and moves its node back in the line. */
export function dequeue(queue: Queue, waiting: Waiting, served: boolean): void {
  const { node, claim } = waiting;
  const lane = queue.lanes.get(node);
  if (!lane?.claims.delete(claim.id)) return;
  const left = (queue.sizes.get(claim.sessions) ?? 1) - 1;
  if (left > 0) queue.sizes.set(claim.sessions, left);
  else queue.sizes.delete(claim.sessions);
  queue.large.delete(nameOf(waiting));
  queue.sessions -= claim.sessions;
  queue.count--;
  if (isRecovery(claim)) queue.recoveries--;
  unplace(queue, lane);
  if (lane.claims.size === 0) {
    queue.lanes.delete(node);
    return;
  }
  if (served) lane.served += claim.sessions;
  place(queue, lane);
}

/** The claim to grant next among those of at most `room` sessions (and of those that `isWanted`), if there is one. */
export function nextWaiting(
  queue: Queue,
  room: number,
  isWanted: (claim: Claim) => boolean = () => true,
): Waiting | undefined {
  if (!hasOneWithin(queue, room)) return undefined;
  for (const level of levelsOf(queue)) {
    for (const lane of queue.levels.get(level) ?? []) {
      for (const waiting of lane.claims.values()) {
        if (waiting.claim.sessions <= room && isWanted(waiting.claim)) return waiting;
      }
    }
  }
  return undefined;
}

/** Whether anything that waits needs no more than `room` sessions. */
export function hasOneWithin(queue: Queue, room: number): boolean {
  for (const size of queue.sizes.keys()) if (size <= room) return true;
  return false;
}

/** The large claim that has been passed by smaller ones the longest. */
export function oldestLarge(queue: Queue): Waiting | undefined {
  for (const waiting of queue.large.values()) return waiting;
  return undefined;
}

/** Above so many nodes a place is an estimate: nobody counts to ten thousand, and each answer would. */
const exactLanesMax = 100;

/** The places of a node's claims among all that wait, 1 being next, if each claim were as large as the next. */
export function placesOf({ lanes, count }: Queue, node: NodeId): Map<number, number> {
  const places = new Map<number, number>();
  const own = lanes.get(node);
  let round = 0;
  for (const { claim } of own?.claims.values() ?? []) {
    const ahead = lanes.size > exactLanesMax || !own ? round * lanes.size : aheadOf(lanes, own, own.served + round);
    places.set(claim.id, Math.min(count, ahead + 1));
    round++;
  }
  return places;
}

/** Claims that come before the one that its lane reaches when it was served `at`. */
function aheadOf(lanes: Queue['lanes'], own: Lane, at: number): number {
  let ahead = 0;
  let isBefore = true;
  for (const lane of lanes.values()) {
    if (lane === own) isBefore = false;
    // Of lanes that are level the one that came first goes first.
    const until = isBefore ? at + 1 : at;
    ahead += Math.max(0, Math.min(lane.claims.size, until - lane.served));
  }
  return ahead;
}

function levelsOf(queue: Queue): number[] {
  return [...queue.levels.keys()].sort((a, b) => a - b);
}

function place(queue: Queue, lane: Lane): void {
  const level = queue.levels.get(lane.served);
  if (level) level.add(lane);
  else queue.levels.set(lane.served, new Set([lane]));
}

function unplace(queue: Queue, lane: Lane): void {
  const level = queue.levels.get(lane.served);
  level?.delete(lane);
  if (level?.size === 0) queue.levels.delete(lane.served);
}

/** Whether a login that was dead comes back: nobody knows yet whether the new one works. */
export function isRecovery({ claimant, isSound }: Claim): boolean {
  return claimant.type === 'store' && isSound !== true;
}

function nameOf({ node, claim }: Waiting): string {
  return `${node} ${claim.id}`;
}
