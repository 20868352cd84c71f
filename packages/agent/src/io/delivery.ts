import type { MarkOutcome, WriteOutcome } from '@authmesh/agent/core/event';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { ParsedStore, ReadContext } from './auth-profiles.ts';
import { adapterOf } from './store-adapter.ts';
import type { ChangeOutcome, Delivery, Marking, StoreChange } from './store-change.ts';
import { locate } from './store-file.ts';
import { writeSteps } from './store-port.ts';
import { writeTogether } from './store-write.ts';

/** Moments of a delivery at which a crash must leave the old store or the new one, and a lock that can be recovered. */
export const deliverySteps = [
  'locked',
  'read',
  'edited',
  ...writeSteps,
  'read-back',
  'marks-lifted',
  'unlocked',
] as const;
export type DeliveryStep = (typeof deliverySteps)[number];

export interface DeliveryDeps {
  /** How this host reads a store, now. */
  readonly context: () => ReadContext;
  /** Told what was read back, and which of its profiles are reported as delivered, before the outcomes settle. */
  readonly onRead?: ((store: StoreId, parsed: ParsedStore, delivered: readonly ProfileId[]) => void) | undefined;
  /** Runs the writing itself; whoever watches the store holds back its own reads meanwhile. */
  readonly during?: (<Result>(store: StoreId, work: () => Promise<Result>) => Promise<Result>) | undefined;
  /** Marks of failed authentication that stood beside the delivered logins are gone; told before the outcomes settle. */
  readonly onLifted?: ((store: StoreId) => void) | undefined;
  /** Told what went wrong beside the credential itself, in a sentence. */
  readonly onTrouble?: ((store: StoreId, sentence: string) => void) | undefined;
  /** Why this store must not be written at all (its host keeps logins elsewhere); asked under the lock. */
  readonly refusal?: ((store: StoreId) => string | undefined | Promise<string | undefined>) | undefined;
  /** The clock of `before`. */
  readonly elapsed?: (() => Milliseconds) | undefined;
  readonly lockWaitMs?: Milliseconds | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told at each step; tests crash there. */
  readonly at?: ((step: DeliveryStep) => void | Promise<void>) | undefined;
}

export interface Deliverer {
  /** Settles when the credential was read back, or with the reason why it was not; never throws. */
  readonly deliver: (delivery: Delivery) => Promise<WriteOutcome>;
  /** Settles when the marks were written, or with the reason why not; never throws. */
  readonly mark: (marking: Marking) => Promise<MarkOutcome>;
}

interface Order {
  readonly change: StoreChange;
  readonly settle: (outcome: ChangeOutcome) => void;
}

/**
 * Writes credentials and marks into stores: lock, read, compare, edit, replace, read back, unlock. Changes of one file
 * wait for each other, and those that wait together are written together.
 */
export function createDeliverer(deps: DeliveryDeps): Deliverer {
  const waiting = new Map<string, Order[]>();

  async function carryOut(store: StoreId, orders: readonly Order[]): Promise<void> {
    const settleAll = (outcome: Exclude<WriteOutcome, { result: 'written' }>) => {
      for (const order of orders) order.settle(outcome);
    };
    const lock = await adapterOf(store).lock(store, { waitMs: deps.lockWaitMs, signal: deps.signal });
    if (lock.state === 'locked') return settleAll({ result: 'locked', reason: lock.reason });
    if (lock.state === 'failed') return settleAll({ result: 'failed', reason: lock.reason });
    let isHeld = true;
    const release = async () => {
      if (!isHeld) return;
      isHeld = false;
      lock.release();
      await deps.at?.('unlocked');
    };
    try {
      await deps.at?.('locked');
      const refusal = await deps.refusal?.(store);
      if (refusal !== undefined) {
        await release();
        return settleAll({ result: 'failed', reason: refusal });
      }
      const batch = orders.map(order => order.change);
      // Settled before the store is read again: what was read back is older than what a watcher finds after it.
      const write = async () => {
        const outcomes = await writeTogether(store, batch, deps);
        await release();
        for (const [index, order] of orders.entries()) order.settle(outcomes[index] ?? { result: 'changed' });
      };
      await (deps.during ? deps.during(store, write) : write());
    } finally {
      await release();
    }
  }

  async function work(file: string, queue: Order[]): Promise<void> {
    for (let next = queue[0]; next; next = queue[0]) {
      const { store } = next.change;
      const orders = queue.filter(order => order.change.store === store);
      queue.splice(0, queue.length, ...queue.filter(order => order.change.store !== store));
      await carryOut(store, orders).catch((error: unknown) => {
        // Only the name: a message may quote what was being read.
        const reason = `the delivery to ${store} broke off (${error instanceof Error ? error.name : 'unknown'})`;
        for (const order of orders) order.settle({ result: 'failed', reason });
      });
    }
    waiting.delete(file);
  }

  function take(change: StoreChange): Promise<ChangeOutcome> {
    // Two agents' stores may be links to one file: what counts is where the bytes are.
    const file = locate(change.store);
    return new Promise(settle => {
      const queue = waiting.get(file);
      if (queue) {
        queue.push({ change, settle });
        return;
      }
      const started: Order[] = [{ change, settle }];
      waiting.set(file, started);
      void work(file, started);
    });
  }

  return {
    // Each kind of change has its own kind of outcome.
    deliver: delivery => take(delivery) as Promise<WriteOutcome>,
    mark: marking => take(marking) as Promise<MarkOutcome>,
  };
}
