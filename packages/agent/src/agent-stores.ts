import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent, WriteOutcome } from '@authmesh/agent/core/event';
import { isWorking } from '@authmesh/agent/core/permit/recovery';
import type { AgentState } from '@authmesh/agent/core/state';
import { withCreation } from '@authmesh/agent/io/adoption-store';
import type { ParsedStore, ReadContext } from '@authmesh/agent/io/auth-profiles';
import { createDeliverer, type DeliveryStep } from '@authmesh/agent/io/delivery';
import { createEntryMemo } from '@authmesh/agent/io/formats/entry-memo';
import { createLentRefreshTokens, type LentRefreshTokens } from '@authmesh/agent/io/lent-refresh-tokens';
import type { RecordVault } from '@authmesh/agent/io/record-vault';
import { remembersPairs, type StateDirectory, type StorePlaces } from '@authmesh/agent/io/state-directory';
import { createStoreWatcher, type StoreWatcher } from '@authmesh/agent/io/store-watcher';
import { sharingTools } from '@authmesh/agent/io/tool-places';
import { directoryOf } from '@authmesh/agent/io/watched-paths';
import { copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Logger } from '@authmesh/shared/node/logger';
import type { Driver } from '@authmesh/shared/runtime/driver';

export interface AgentStoresOptions {
  readonly vault: RecordVault;
  readonly logger: Logger;
  readonly machine: () => Driver<AgentState, AgentEvent>;
  /** The clock that permits are counted by. */
  readonly elapsed: () => Milliseconds;
  /** Told of each login that was written, and whether OpenClaw could not use what stood there before. */
  readonly onWritten: (directory: StateDirectory, wasOut: boolean) => void;
  readonly at?: ((step: DeliveryStep) => void) | undefined;
}

type Delivery = Extract<AgentEffect, { type: 'write-credential' | 'create-profile' }>;

/** This host's stores: what changes in them is told to the machine, what it orders is written into them. */
export interface AgentStores {
  /** Watches these places in place of others; resolves when every store was read once. */
  readonly watch: (places: StorePlaces) => Promise<void>;
  readonly directories: () => readonly StateDirectory[];
  readonly reread: (store: StoreId) => void;
  /** Reads every store that the machine knows again, or those of one state directory. */
  readonly rereadAll: (stateDir?: string) => void;
  readonly rescan: () => Promise<void>;
  /** When a store was last looked at. */
  readonly lookedAt: (store: StoreId) => Instant | undefined;
  /** Starts a delivery; its outcome comes back as an event. */
  readonly deliver: (delivery: Delivery) => void;
  /** Lends the refresh tokens of the stores for an exchange. */
  readonly lent: LentRefreshTokens;
  /** Starts a change of marks; its outcome comes back as an event. */
  readonly mark: (marking: Extract<AgentEffect, { type: 'mark-store' }>) => void;
  /** Resolves when no change of a store is under way. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Stores that nobody watches yet. */
export function createAgentStores(options: AgentStoresOptions): AgentStores {
  const { vault, logger, machine, elapsed, at } = options;
  const underWay = new Set<Promise<void>>();
  let reading: Pick<ReadContext, 'sharing' | 'readEntry'> = {};
  /** Stores whose agents OpenClaw had put aside, by marks that may never have been reported. */
  const lifted = new Set<StoreId>();
  let watcher: StoreWatcher | undefined;

  const context = () => ({
    fingerprint: vault.fingerprint,
    findRefresh: vault.findRefresh,
    now: Date.now(),
    clockOffsetMs: machine().state.clockOffsetMs,
    ...reading,
  });
  const takeCredentials = (parsed: ParsedStore) => {
    const spent = new Set([...machine().state.spent.values()].flat());
    for (const [access, credential] of parsed.credentials) {
      const { refresh } = credential;
      // The vault has its successor under the same access token.
      const isSpent = spent.size > 0 && refresh !== undefined && spent.has(vault.fingerprint(refresh));
      if (!isSpent) vault.put(access, credential);
    }
  };
  const directories = () => watcher?.directories() ?? [];
  const deliverer = createDeliverer({
    context,
    elapsed,
    onRead: (store, parsed, delivered) => {
      takeCredentials(parsed);
      watcher?.accept(store, parsed, delivered);
    },
    onLifted: store => lifted.add(store),
    onTrouble: (store, sentence) => logger.note(note('delivery-troubled', { store, why: sentence })),
    refusal: store => {
      const directory = directoryOf(directories(), store);
      return directory?.agents.some(agent => agent.store === store) ? undefined : directory?.foreign[0]?.reason;
    },
    during: (store, work) => (watcher ? watcher.during(store, work) : work()),
    at,
  });

  /** Whether OpenClaw cannot use what stands there. */
  function isOut(store: StoreId, profile: ProfileId): boolean {
    const seen = machine().state.copies.get(copyKey(store, profile))?.seen;
    return !seen || !isWorking(seen, Date.now()) || (seen.use?.pausedUntil ?? 0) > Date.now();
  }

  function written(store: StoreId, wasOut: boolean, takesRefreshOnly: boolean): void {
    const directory = directoryOf(directories(), store);
    if (!directory || directory.tool !== undefined) return;
    // That a refresh token is gone a gateway has to hear of only where it would use it all the same.
    if (takesRefreshOnly && !remembersPairs(directory)) return;
    options.onWritten(directory, lifted.delete(store) || wasOut);
  }

  const lent = createLentRefreshTokens({
    directoryOf: store => directoryOf(directories(), store),
    async deliver(order) {
      const wasOut = isOut(order.store, order.profile);
      const outcome = await deliverer.deliver(order);
      if (outcome.result === 'written') written(order.store, wasOut, order.takesRefreshOnly === true);
      return outcome;
    },
    now: () => Date.now() - machine().state.clockOffsetMs,
    onReleased: store => watcher?.reread(store),
  });

  function follow(change: Promise<void>): void {
    underWay.add(change);
    void change.finally(() => underWay.delete(change));
  }

  return {
    async watch(places) {
      await watcher?.close();
      // What is remembered of entries is as good as what they were read by.
      reading = { sharing: sharingTools(places), readEntry: createEntryMemo() };
      watcher = await createStoreWatcher({
        places,
        context,
        onStore: (store, parsed) => {
          takeCredentials(parsed);
          machine().dispatch({ type: 'store-observed', store, seen: parsed.seen });
        },
        onDirectories: found => {
          noteForeign(found, logger);
          machine().dispatch({ type: 'configured', config: withCreation(machine().state.config, found) });
        },
        onTrouble: sentence => logger.note(note('watching-troubled', { why: sentence })),
      });
      // What is not configured any more leaves the fleet's care.
      const watched = new Set(directories().flatMap(({ agents }) => agents.map(agent => agent.store)));
      for (const store of machine().state.stores.keys()) {
        if (!watched.has(store)) machine().dispatch({ type: 'store-observed', store, seen: { state: 'absent' } });
      }
    },
    directories,
    lent,
    reread: store => void watcher?.reread(store),
    rereadAll(stateDir) {
      for (const store of machine().state.stores.keys()) {
        if (stateDir === undefined || directoryOf(directories(), store)?.stateDir === stateDir) watcher?.reread(store);
      }
    },
    rescan: async () => watcher?.rescan(),
    lookedAt: store => watcher?.lookedAt(store),
    deliver(delivery) {
      const { store, profile, form, access, refresh, expiresAt } = delivery;
      const known = vault.get(access);
      const wasOut = isOut(store, profile);
      const settle = (outcome: WriteOutcome) => {
        const takesRefreshOnly = delivery.type === 'write-credential' && delivery.takesRefreshOnly === true;
        if (outcome.result === 'written') written(store, wasOut, takesRefreshOnly);
        machine().dispatch({ type: 'write-settled', store, profile, outcome });
      };
      if (!known) {
        const reason = 'the login’s record is not at hand; it comes with the next announcement';
        queueMicrotask(() => settle({ result: 'failed', reason }));
        return;
      }
      const isNew = delivery.type === 'create-profile';
      const expected = isNew ? {} : delivery.expected;
      const credential = { ...known, refresh: refresh === undefined ? undefined : known.refresh, expiresAt };
      const [before, takesRefreshOnly] = isNew ? [] : [delivery.before, delivery.takesRefreshOnly];
      const order = { store, profile, expected, credential, form, isNew, before, takesRefreshOnly };
      follow(deliverer.deliver(order).then(settle));
    },
    mark({ store, hold, before }) {
      const marking = deliverer.mark({ store, hold, before });
      follow(marking.then(outcome => machine().dispatch({ type: 'store-marked', store, outcome })));
    },
    async settled() {
      await Promise.all(underWay);
    },
    close: async () => watcher?.close(),
  };
}

function noteForeign(directories: readonly StateDirectory[], logger: Logger): void {
  for (const { foreign } of directories) {
    for (const { path, reason } of foreign) logger.note(note('store-foreign', { file: path, why: reason }));
  }
}
