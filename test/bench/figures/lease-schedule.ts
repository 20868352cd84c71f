import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import { nextAt } from '@authmesh/coordinator/core/lease/schedule';
import type { AccountRecord, RecordKey } from '@authmesh/coordinator/core/record';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import type { AccountId, Fingerprint, ProfileId, Sealed } from '@authmesh/shared/core/identifiers';
import type { Lease } from '@authmesh/shared/protocol/lease';
import { createQueue } from '../../simulation/world/queue.ts';
import { type Bench, type Figure, limitTarget } from '../figure.ts';
import { fleet, hex, nodeOf, joinedAt as start } from '../roster.ts';
import { spread } from '../statistics.ts';

const accounts = 100_000;
const nodes = 20;
const warmUp = 2_000;
const rounds = 10_000;
const hour = 3_600_000;

/** A coordinator that has 100,000 logins refreshed: what a decision costs, and what an account does. */
export const leaseSchedule: Bench = {
  name: 'lease-schedule',
  run() {
    const before = heap();
    const records = Array.from({ length: accounts }, (_, index) => recordOf(index));
    const plain = heap();
    const machine = createMachine(records);
    const planned = heap();
    const decisions: number[] = [];
    let timers = 0;
    let leases = 0;
    for (let round = 0; round < warmUp + rounds; round++) {
      const { micros, effects } = machine.next();
      if (round >= warmUp) decisions.push(micros);
      leases += effects.filter(effect => effect.type === 'send' && effect.message.type === 'lease').length;
      timers = Math.max(timers, effects.filter(effect => effect.type === 'set-timer').length);
    }
    const { value, p99 } = spread(decisions);
    const perAccount = (planned - plain) / accounts;
    const figures: Figure[] = [
      {
        name: `${accounts} accounts: one is due, its refresher chosen, its record made, the lease given`,
        unit: 'us',
        value,
        p99,
        floor: { name: 'a heap of timers alone', value: heapMicros() },
        target: limitTarget(value, 20, 'us'),
        failure:
          leases < rounds
            ? `${leases} of ${warmUp + rounds} got a lease`
            : timers > 1
              ? 'more than one timer'
              : undefined,
      },
      {
        name: `${accounts} accounts: memory of an account’s schedule and lineage`,
        unit: 'B',
        value: perAccount,
        floor: { name: 'its record alone', value: (plain - before) / accounts },
      },
    ];
    return Promise.resolve(figures);
  },
};

interface Machine {
  /** The next account whose time has come, up to its lease on the wire. */
  readonly next: () => { readonly micros: number; readonly effects: readonly CoordinatorEffect[] };
}

function createMachine(records: readonly AccountRecord[]): Machine {
  let state = createCoordinatorState({
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: Array.from({ length: nodes }, (_, index) => ({ record: nodeOf(index), storeRevision: 1 })),
    invites: [],
    accounts: records.map(record => ({ record, storeRevision: 1 })),
    policy: { allow: ['*'], deny: [] },
  });
  let at = start;
  let storeRevision = 1;
  const tell = (event: CoordinatorEvent): readonly CoordinatorEffect[] => {
    const passed = at - start;
    const step = transition(state, { at, elapsed: passed, awake: passed, seed: 1, event });
    state = step.state;
    return step.effects;
  };
  const through = (event: CoordinatorEvent): CoordinatorEffect[] => {
    const effects = [...tell(event)];
    for (const effect of effects) {
      if (effect.type !== 'compare-and-set') continue;
      const key: RecordKey = effect.key;
      effects.push(...tell({ type: 'persist-succeeded', key, storeRevision: ++storeRevision }));
    }
    return effects;
  };
  tell({ type: 'started' });
  for (let index = 0; index < nodes; index++) {
    const link = (index + 1) as LinkId;
    const { id, publicKey } = nodeOf(index);
    const own = { protocol: 1, node: id, publicKey, fleet, role: 'daemon', version: '1' } as const;
    tell({ type: 'attested', link, attest: { ...own, serverNonce: '', nonce: '', at, epoch: 1 } });
    const message = {
      type: 'inventory',
      observations: [],
      known: [],
      refreshes: ['acme'],
      leases: [],
      last: true,
    } as const;
    tell({
      type: 'frame-received',
      link,
      message: { ...message, observations: [], known: [], refreshes: ['acme'], leases: [] },
    });
  }
  return {
    next() {
      at = Math.max(at + 1, nextAt(state.leases.schedule) ?? at);
      const begun = performance.now();
      const effects = through({ type: 'timer-fired', timer: 'leases' });
      const micros = (performance.now() - begun) * 1_000;
      // So many are refreshed at one provider at a time: each is over before the next is due.
      for (const effect of effects)
        if (effect.type === 'send' && effect.message.type === 'lease')
          through(renewalOf(effect.link, effect.message, at));
      return { micros, effects };
    },
  };
}

function renewalOf(
  link: LinkId,
  { account, epoch, access, refresh, generation }: Lease,
  at: number,
): Extract<CoordinatorEvent, { type: 'frame-received' }> {
  const next = (print: string) => hex((Number.parseInt(print.slice(0, 8), 16) ^ 0x5555_5555) >>> 0) as Fingerprint;
  const renewed = { access: next(access), refresh: next(refresh), expiresAt: at + hour };
  const sealed = access as string as Sealed;
  return {
    type: 'frame-received',
    link,
    message: { type: 'renewal', account, epoch, replaced: access, renewed, generation, sealed },
  };
}

/** A login of an hour or two, of which no store holds the refresh token. */
function recordOf(index: number): AccountRecord {
  const access = hex(Math.imul(index + 1, 0x9e3779b1) >>> 0) as Fingerprint;
  const home = nodeOf(index % nodes).id;
  const dates = { acceptedAt: start, expiresAt: start + hour + index * 10 };
  const place = { position: { epoch: 1, revision: 1 }, generation: 1, origin: home, home };
  return {
    account: `oauth:acme/acct_${index}` as AccountId,
    kind: 'oauth',
    profile: `acme:${index}` as ProfileId,
    current: {
      access,
      refresh: hex(index) as Fingerprint,
      ...dates,
      ...place,
      why: 'first',
      sealed: `${index}` as Sealed,
    },
    ancestors: [],
    spent: [],
    history: [],
    nextNumber: 1,
    linked: [],
  };
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Taking one of as many out of a binary heap, and putting one in. */
function heapMicros(): number {
  const queue = createQueue();
  const nothing = (): void => undefined;
  for (let at = 0; at < accounts; at++) queue.schedule(at, nothing);
  const begun = performance.now();
  for (let entry = 0; entry < rounds; entry++) {
    queue.schedule(queue.nextAt() + entry, nothing);
    queue.take()?.();
  }
  return ((performance.now() - begun) * 1_000) / rounds;
}
