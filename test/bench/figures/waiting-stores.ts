import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import { poolsKey } from '@authmesh/coordinator/core/record';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import type { AccountId, FleetId, InviteId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Claim } from '@authmesh/shared/protocol/permit';
import { type Bench, limitTarget } from '../figure.ts';
import { spread } from '../statistics.ts';

const nodeCount = 1_000;
const storesPerNode = 10;
const limit = 100;
const account = 'oauth:openai/acct_1' as AccountId;
const profile = 'openai:default' as ProfileId;
const nodeIdOf = (index: number) => index.toString(16).padStart(32, '0') as NodeId;

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

/** A coordinator with all nodes connected, and what each node has claimed. */
function createFleet() {
  const founder = nodeIdOf(0);
  const keys = { publicKey: 'key', boxKey: 'box', inviteSignature: 'signed', joinedAt: 0, lastSeen: null };
  let state = createCoordinatorState({
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: Array.from({ length: nodeCount }, (_, index) => ({
      record: {
        id: nodeIdOf(index),
        name: `node-${index}`,
        invite: '0'.repeat(32) as InviteId,
        invitedBy: index === 0 ? null : founder,
        version: '1',
        ...keys,
      },
      storeRevision: 1,
    })),
    invites: [],
    accounts: [],
    policy: { allow: ['*'], deny: [] },
    poolTerms: [{ name: 'all', match: ['*'], limit, settleMs: 20_000 }],
  });
  const claims = Array.from({ length: nodeCount }, () =>
    Array.from({ length: storesPerNode }, (_, id) => claimOf(id + 1)),
  );
  const numbers = new Array<number>(nodeCount).fill(0);
  const holders: number[] = [];
  let left = nodeCount * storesPerNode;
  let elapsed = 0;
  /** Tells the machine; how many permits it gave for it. */
  const tell = (event: CoordinatorEvent): number => {
    const step = transition(state, { at: elapsed, elapsed, seed: 1, event });
    state = step.state;
    let granted = 0;
    for (const effect of step.effects) {
      if (effect.type !== 'send' || effect.message.type !== 'permits') continue;
      for (const { id } of effect.message.granted) granted += hold(effect.link - 1, id);
    }
    return granted;
  };
  const hold = (index: number, id: number): number => {
    const own = claims[index];
    const at = own?.findIndex(claim => claim.id === id && claim.phase === 'waiting') ?? -1;
    if (!own || at < 0) return 0;
    own[at] = { ...claimOf(id), phase: 'begun', epoch: 1 };
    holders.push(index);
    return 1;
  };
  const report = (index: number): number => {
    const number = (numbers[index] ?? 0) + 1;
    numbers[index] = number;
    const said = { run: 'run', number, claims: [...(claims[index] ?? [])], signals: [] };
    return tell({ type: 'frame-received', link: index + 1, message: { type: 'claims', report: said } });
  };
  tell({ type: 'started' });
  tell({ type: 'persist-succeeded', key: poolsKey, storeRevision: 2 });
  for (let index = 0; index < nodeCount; index++) {
    const proof = { protocol: 1, serverNonce: '', nonce: '', publicKey: 'key', version: '1', epoch: 1, at: 0 };
    const attest = { node: nodeIdOf(index), fleet: founder as string as FleetId, role: 'daemon' as const, ...proof };
    tell({ type: 'attested', link: index + 1, attest });
  }
  return {
    report,
    left: () => left,
    nextHolder: () => holders.shift(),
    /** The sessions of one permit of the node are back. */
    settle(index: number): number {
      elapsed += 1;
      claims[index] = (claims[index] ?? []).map(claim => {
        if (claim.phase !== 'begun') return claim;
        left--;
        return { ...claim, phase: 'settled' as const, outcome: 'used' as const };
      });
      const granted = report(index);
      claims[index] = (claims[index] ?? []).filter(({ phase }) => phase !== 'settled');
      return granted;
    },
  };
}

function claimOf(id: number): Claim {
  const store = `/home/claw/.openclaw/agents/a${id}/agent/auth-profiles.json` as StoreId;
  return { id, claimant: { type: 'store', store, profile, account }, sessions: 1, phase: 'waiting' };
}
