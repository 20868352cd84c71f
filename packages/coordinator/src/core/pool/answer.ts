import type { NodeId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { Permits } from '@authmesh/shared/protocol/permit';
import { permitsOfNode, waitingOfNode } from './grant.ts';
import type { Pool, PoolsState } from './pool.ts';
import { placesOf } from './queue.ts';
import { leaseMsOf } from './terms.ts';
import { waitReason } from './view.ts';

/** What a node is told of its claims: those that are granted, and where the others stand. */
export function answerFor(state: PoolsState, node: NodeId, now: Milliseconds): Permits | undefined {
  const last = state.nodes.get(node);
  if (!last) return undefined;
  const granted: Permits['granted'] = [];
  for (const { pool, permit } of permitsOfNode(state, node)) {
    if (permit.run !== last.run || permit.isLost || permit.isRefused) continue;
    const { terms } = pool;
    granted.push({
      id: permit.id,
      pool: terms.name,
      epoch: permit.epoch,
      leaseMs: leaseMsOf(permit.settleMs),
      settleMs: permit.settleMs,
      healthCommand: terms.healthCommand,
    });
  }
  const queued: Permits['queued'] = [];
  const placesIn = new Map<Pool, Map<number, number>>();
  for (const { pool, waiting } of waitingOfNode(state, node)) {
    let places = placesIn.get(pool);
    if (!places) {
      places = placesOf(pool.queue, node);
      placesIn.set(pool, places);
    }
    const place = places.get(waiting.claim.id) ?? pool.queue.count;
    const etaMs = etaOf(pool, place);
    queued.push({ id: waiting.claim.id, pool: pool.terms.name, place, etaMs, why: waitReason(state, pool, now) });
  }
  return {
    type: 'permits',
    run: last.run,
    number: last.number,
    granted: granted.slice(0, claimsPerMessageMax),
    queued: queued.slice(0, claimsPerMessageMax),
    refused: [...last.refused].map(([id, reason]) => ({ id, reason })),
  };
}

/** About how long a place waits: one settle time for each live limit's worth of places before it. */
export function etaOf({ terms, pace }: Pool, place: number): Milliseconds {
  return Math.ceil(place / Math.max(1, pace.live)) * terms.settleMs;
}
