import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import type { SecretsRecord } from '@authmesh/coordinator/core/record';
import { driftViews } from '@authmesh/coordinator/core/secrets/view';
import { createCoordinatorState, type StoredState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { type Bench, type Figure, limitTarget } from '../figure.ts';
import { fleet, hex, nodeOf, joinedAt as start } from '../roster.ts';
import { spread } from '../statistics.ts';

export const nodes = 10_000;
export const secrets = 20;
const warmUp = 20;
const rounds = 200;
const link = 1 as LinkId;

/** A coordinator that compares 20 secrets on 10,000 hosts: what one change costs, up to the word of it in the log. */
export const secretDrift: Bench = {
  name: 'secret-drift',
  run() {
    let state = createCoordinatorState(largeFleet());
    let at = start;
    const tell = (event: CoordinatorEvent) => {
      const passed = at - start;
      const step = transition(state, { at, elapsed: passed, awake: passed, seed: 1, event });
      state = step.state;
      return step.effects;
    };
    const { id, publicKey } = nodeOf(1);
    const own = { protocol: 1, node: id, publicKey, fleet, role: 'daemon', version: '1' } as const;
    tell({ type: 'attested', link, attest: { ...own, serverNonce: '', nonce: '', at, epoch: 1 } });
    driftViews(state);
    const changes: number[] = [];
    for (let round = 0; round < warmUp + rounds; round++) {
      at += 1_000;
      const readings = Array.from({ length: secrets }, (_, index) =>
        reading(index, index === 0 ? round + 1_000 : index),
      );
      const message = { type: 'secrets', keyEpoch: 1, readings } as const;
      const begun = performance.now();
      tell({ type: 'frame-received', link, message });
      if (round >= warmUp) changes.push(performance.now() - begun);
    }
    const { value, p99 } = spread(changes);
    const figures: Figure[] = [
      {
        name: `${nodes} nodes with ${secrets} secrets: one value changes and is compared with all`,
        unit: 'ms',
        value,
        p99,
        floor: { name: 'a map of as many counts', value: countMs() },
        target: limitTarget(value, 5, 'ms'),
        failure: driftViews(state)[0]?.groups[1]?.nodes[0] === 'node-1' ? undefined : 'the change was not seen',
      },
    ];
    return Promise.resolve(figures);
  },
};

/** What the store of a large fleet holds, whose hosts all compare the same secrets. */
export function largeFleet(): StoredState {
  return {
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: Array.from({ length: nodes }, (_, index) => ({ record: nodeOf(index), storeRevision: 1 })),
    secrets: Array.from({ length: nodes }, (_, index) => ({ record: toldBy(index), storeRevision: 1 })),
    invites: [],
    accounts: [],
    policy: { allow: ['*'], deny: [] },
  };
}

function toldBy(index: number): SecretsRecord {
  const readings = Array.from({ length: secrets }, (_, secret) => ({ ...reading(secret, secret), since: start }));
  return { node: nodeOf(index).id, keyEpoch: 1, readings };
}

function reading(secret: number, value: number): SecretReading {
  const print = hex(value) as Fingerprint;
  const found = { state: 'read', exact: print, loose: print, forms: [] } as const;
  return { name: `SECRET_${secret}`, source: '/srv/app/.env', kind: 'stored', found };
}

/** Counting as many values by a map. */
function countMs(): number {
  const values = Array.from({ length: nodes }, (_, index) => hex(index % 2));
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return (performance.now() - begun) / rounds;
}
