import { second } from '@authmesh/shared/core/time';
import { type Bench, limitTarget } from '../figure.ts';
import { createPureFleet, type Granted, waitingClaim } from '../recovery/pure-fleet.ts';
import { spread } from '../statistics.ts';

const nodeCount = 1_000;
const storesPerNode = 10;
const limit = 100;

/** 10,000 dead stores on 1,000 nodes under a limit of 100: the pure machine, from the first report to the last one back. */
export const waitingStores: Bench = {
  name: 'waiting-stores',
  run() {
    const fleet = createFleet();
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < nodeCount; index++) fleet.report(index);
    global.gc?.();
    const bytes = (process.memoryUsage().heapUsed - before) / (nodeCount * storesPerNode);
    const costs: number[] = [];
    while (fleet.left() > 0) {
      const index = fleet.nextHolder();
      if (index === undefined) break;
      const begun = performance.now();
      const granted = fleet.settle(index);
      if (granted > 0) costs.push(((performance.now() - begun) * 1_000) / granted);
    }
    const cost = spread(costs);
    const failure = fleet.left() > 0 ? `${fleet.left()} stores were never let in` : undefined;
    return Promise.resolve([
      {
        name: 'waiting stores: a grant among 10,000',
        unit: 'µs',
        ...cost,
        target: limitTarget(cost.value, 50, 'µs median'),
        failure,
      },
      {
        name: 'waiting stores: memory of one',
        unit: 'bytes',
        value: bytes,
        target: limitTarget(bytes, 2_048, 'bytes'),
      },
    ]);
  },
};

/** What each node of the fleet has claimed. */
function createFleet() {
  const pure = createPureFleet(nodeCount, limit, 20 * second);
  const claims = Array.from({ length: nodeCount }, () =>
    Array.from({ length: storesPerNode }, (_, id) => waitingClaim(id + 1)),
  );
  const holders: number[] = [];
  let left = nodeCount * storesPerNode;
  /** How many permits were given that were not known yet. */
  const hold = (granted: readonly Granted[]): number => {
    let fresh = 0;
    for (const { node, id } of granted) {
      const own = claims[node];
      const at = own?.findIndex(claim => claim.id === id && claim.phase === 'waiting') ?? -1;
      if (!own || at < 0) continue;
      own[at] = { ...waitingClaim(id), phase: 'begun', epoch: 1 };
      holders.push(node);
      fresh++;
    }
    return fresh;
  };
  const report = (node: number): number => hold(pure.report(node, claims[node] ?? []));
  return {
    report,
    left: () => left,
    nextHolder: () => holders.shift(),
    /** The sessions of one permit of the node are back. */
    settle(node: number): number {
      pure.pass(1);
      claims[node] = (claims[node] ?? []).map(claim => {
        if (claim.phase !== 'begun') return claim;
        left--;
        return { ...claim, phase: 'settled' as const, outcome: 'used' as const };
      });
      const granted = report(node);
      claims[node] = (claims[node] ?? []).filter(({ phase }) => phase !== 'settled');
      return granted;
    },
  };
}
