import { randomInt } from 'node:crypto';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorTimer, FleetTerms } from '@authmesh/coordinator/core/event';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import { overview } from '@authmesh/coordinator/core/view';
import { foundingCodeOf, loadFleet } from '@authmesh/coordinator/io/founding';
import { type HeartbeatTerms, startHeartbeat } from '@authmesh/coordinator/io/heartbeat';
import type { CoordinatorKeys } from '@authmesh/coordinator/io/keys';
import type { Metrics } from '@authmesh/coordinator/io/metrics';
import { type CommitStep, createPersisting } from '@authmesh/coordinator/io/persisting';
import { createReadiness } from '@authmesh/coordinator/io/readiness';
import { createServer, type ServerOptions } from '@authmesh/coordinator/io/server';
import type { AuditBounds } from '@authmesh/coordinator/store/store';
import { openStore } from '@authmesh/coordinator/store/store-engines';
import { type NoteName, note } from '@authmesh/shared/core/notes';
import { second } from '@authmesh/shared/core/time';
import type { AlertChannel } from '@authmesh/shared/node/alerts/alert-channel';
import { createAlerting } from '@authmesh/shared/node/alerts/alerting';
import { operatorSentence } from '@authmesh/shared/node/errors';
import { createTagger } from '@authmesh/shared/node/log-fields';
import type { Logger } from '@authmesh/shared/node/logger';
import { createDriver } from '@authmesh/shared/runtime/driver';
import { createTimers } from '@authmesh/shared/runtime/timers';

/** What of the configuration may change while it runs. */
export interface ChangeableTerms extends FleetTerms {
  /** Whom to tell of what is wrong. */
  readonly channels: readonly AlertChannel[];
  readonly heartbeat: HeartbeatTerms;
}

export interface CoordinatorOptions extends ChangeableTerms {
  readonly dataDir: string;
  readonly store: 'sqlite' | 'memory';
  readonly host: string;
  readonly port: number;
  /** Addresses for join codes; empty: the address that it listens on. */
  readonly publicUrls: readonly string[];
  readonly audit: AuditBounds;
  readonly halfOpen?: ServerOptions['halfOpen'];
  readonly keys: CoordinatorKeys;
  readonly logger: Logger;
  /** The program found a fault of its own: the process has to end. */
  readonly onCrash: (error: unknown) => void;
  /** Told at each step of a commit; tests end the process there. */
  readonly at?: ((step: CommitStep) => void) | undefined;
}

/** A running coordinator: the machine, wired to its port and its store. */
export interface Coordinator {
  readonly url: string;
  /** The founding code, while the fleet has no node. */
  readonly foundingCode: () => string | null;
  readonly status: () => ReturnType<typeof overview>;
  /** Why the store does not take writes; undefined while it does. */
  readonly trouble: () => string | undefined;
  readonly backup: (file: string) => Promise<void>;
  readonly configure: (terms: ChangeableTerms) => void;
  /** Sends every node away with its own moment to come back, finishes what is on its way to the store, and stops. */
  readonly close: () => Promise<void>;
}

/** Starts the coordinator on what its data folder keeps; resolves when it listens. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { keys, logger } = options;
  const store = await openStore({ ...options, kind: options.store });
  const rows = await loadFleet(store, keys, logger);
  let closed: (() => void) | undefined;
  const storeReady = createReadiness(() => store.check());

  const timers = createTimers<CoordinatorTimer>(timer => driver.dispatch({ type: 'timer-fired', timer }));
  const driver = createDriver({
    transition,
    state: createCoordinatorState({
      ...rows,
      fleet: rows.fleet,
      policy: options.policy,
      poolTerms: options.pools,
      prefer: options.prefer,
      alertTerms: options.alerts,
    }),
    execute,
    now: Date.now,
    elapsed: () => performance.now(),
    drawSeed: () => randomInt(2 ** 32),
    onCrash: options.onCrash,
  });
  const server = createServer(
    {
      host: options.host,
      port: options.port,
      key: keys.signing,
      now: Date.now,
      halfOpen: options.halfOpen,
      http: {
        live: () => ({ status: 200, body: 'live\n' }),
        ready,
        metrics: async () => {
          const { text, contentType } = await loadMetrics();
          return { status: 200, body: await text(), contentType };
        },
      },
    },
    event => driver.dispatch(event),
  );
  const persisting = createPersisting(store, event => driver.dispatch(event), options.at);
  const alerting = createAlerting(options.channels, (channel, outcome) =>
    driver.dispatch({ type: 'told', channel, outcome }),
  );
  const noted = new Map<NoteName, number>();
  const audited = new Map<string, number>();
  const tag = createTagger(keys.signing.seed);
  let metrics: Promise<Metrics> | undefined;

  /** Loaded when somebody asks: a fifth of all modules is for this, and many a fleet has nobody who does. */
  function loadMetrics(): Promise<Metrics> {
    metrics ??= import('@authmesh/coordinator/io/metrics').then(({ createMetrics }) =>
      createMetrics(() => ({ state: driver.state, now: Date.now(), counters: server.counters(), noted, audited, tag })),
    );
    return metrics;
  }

  async function ready() {
    if (driver.state.mode === 'draining') return { status: 503, body: 'stopping\n' };
    const trouble = persisting.trouble();
    if (trouble !== undefined) return { status: 503, body: `the store does not take writes: ${trouble}\n` };
    return storeReady();
  }

  function execute(effect: CoordinatorEffect): void {
    switch (effect.type) {
      case 'compare-and-set':
        void persisting.compareAndSet(effect);
        return;
      case 'tell':
        return alerting.tell(effect);
      case 'propagated':
        void metrics?.then(loaded => loaded.propagated(effect.afterMs / second));
        return;
      case 'audit':
        audited.set(effect.entry.action, (audited.get(effect.entry.action) ?? 0) + 1);
        store
          .appendAudit(effect.entry)
          .catch((error: unknown) => logger.note(note('audit-refused', { why: operatorSentence(error) })));
        return;
      case 'set-timer':
        return timers.set(effect.timer, effect.delayMs);
      case 'clear-timer':
        return timers.clear(effect.timer);
      case 'stop':
        return closed?.();
      case 'note':
        noted.set(effect.name, (noted.get(effect.name) ?? 0) + 1);
        return logger.note(effect);
      default:
        return server.execute(effect);
    }
  }

  const address = await server.listen().catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const url = `ws://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  const urls = options.publicUrls.length > 0 ? options.publicUrls : [url];
  driver.dispatch({ type: 'started' });
  const heartbeat = startHeartbeat(
    options.heartbeat,
    async () => (await ready()).status === 200,
    why => logger.note(note('heartbeat-refused', { why })),
  );

  return {
    url,
    foundingCode: () => foundingCodeOf(keys, urls, driver.state.founder !== null),
    status: () => overview(driver.state, Date.now()),
    trouble: persisting.trouble,
    backup: file => store.backup(file),
    configure({ channels, heartbeat: calls, ...terms }) {
      alerting.configure(channels);
      heartbeat.configure(calls);
      driver.dispatch({ type: 'configured', ...terms });
    },
    async close() {
      heartbeat.stop();
      const stopped = new Promise<void>(resolve => {
        closed = resolve;
      });
      driver.dispatch({ type: 'drain-requested' });
      await stopped;
      timers.clearAll();
      await server.close();
      await store.close();
    },
  };
}
