import { type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { Claim } from '@authmesh/shared/protocol/permit';
import { type Bench, type Figure, limitTarget } from '../figure.ts';
import { account, createPureFleet, type Granted, profile, waitingClaim } from '../recovery/pure-fleet.ts';
import { createMoments } from '../recovery/queue-of-moments.ts';
import { jain } from '../statistics.ts';

const configured = 16;
const trueLimit = 8;
const storesPerNode = 10;
/** Finding the limit costs the same for few stores as for many: beside the semaphore's refusals it shows most with few. */
const fleets = [12, 40];
const settleMs: Milliseconds = second;
/** How long a refusal takes to be seen and told. */
const refusalMs: Milliseconds = 50;
const patienceMs: Milliseconds = 60 * minute;

interface Outcome {
  readonly refused: number;
  readonly readyMs: Milliseconds;
  readonly isDone: boolean;
  /** How evenly the hosts waited, each for its own ten to be back. */
  readonly fairness: number;
}

/**
 * A service bears half of the configured limit: the coordinator's real machine in virtual time, and a fixed semaphore of
 * the configured limit beside it. Who is refused asks again; every session takes a second to come back.
 */
export const halfLimit: Bench = {
  name: 'half-limit',
  run: () => Promise.resolve(fleets.flatMap(figuresOf)),
};

function figuresOf(nodes: number): Figure[] {
  const ours = adapt(nodes);
  const fixed = semaphore(nodes);
  const name = `true limit ${trueLimit} of ${configured} configured, ${nodes * storesPerNode} stores`;
  return [
    {
      name: `${name}: rounds until the limit is below it`,
      unit: '',
      value: ours.rounds,
      target: limitTarget(ours.rounds, 3, 'rounds'),
      failure: ours.isDone && fixed.isDone ? undefined : 'some never came back',
    },
    {
      name: `${name}: refused`,
      unit: '',
      value: ours.refused,
      floor: { name: 'semaphore', value: fixed.refused },
      target: { words: '< 0.1 × semaphore', met: ours.refused < fixed.refused / 10 },
    },
    {
      name: `${name}: all ready`,
      unit: 's',
      value: ours.readyMs / second,
      floor: { name: 'semaphore', value: fixed.readyMs / second },
    },
    {
      name: `${name}: fairness of the hosts' mean wait (Jain, 1 is even)`,
      unit: '',
      value: ours.fairness,
      floor: { name: 'semaphore', value: fixed.fairness },
    },
  ];
}

function adapt(nodes: number): Outcome & { readonly rounds: number } {
  const moments = createMoments();
  const fleet = createPureFleet(nodes, configured, settleMs);
  const claims = Array.from({ length: nodes }, () => new Map<number, Claim>());
  let inFlight = 0;
  let refused = 0;
  let readyMs = 0;
  let firstRefusal: Milliseconds | undefined;
  let belowSince: Milliseconds | undefined;
  let lastId = storesPerNode;
  const waits = new Array<Milliseconds>(nodes).fill(0);

  const begin = (granted: readonly Granted[]) => {
    for (const { node, id } of granted) {
      const claim = claims[node]?.get(id);
      if (claim?.phase !== 'waiting') continue;
      claims[node]?.set(id, { ...claim, phase: 'begun', epoch: 1 });
      const isRefused = inFlight >= trueLimit;
      if (!isRefused) inFlight++;
      moments.after(isRefused ? refusalMs : settleMs, () => end(node, id, isRefused));
    }
  };
  const end = (node: number, id: number, isRefused: boolean) => {
    const own = claims[node];
    const claim = own?.get(id);
    if (!own || !claim) return;
    if (isRefused) {
      refused++;
      firstRefusal ??= moments.now();
      own.set(id, { ...claim, phase: 'settled', outcome: 'failed', why: 'refused' });
      own.set(++lastId, waitingClaim(lastId));
    } else {
      inFlight--;
      readyMs = moments.now();
      waits[node] = (waits[node] ?? 0) + readyMs;
      own.set(id, { ...claim, phase: 'settled', outcome: 'used' });
    }
    const signals = isRefused ? [{ account, profile, kind: 'rate-limit' as const }] : [];
    const granted = fleet.report(node, [...own.values()], signals);
    own.delete(id);
    if (firstRefusal !== undefined && (fleet.pool()?.pace.live ?? 0) <= trueLimit) belowSince ??= moments.now();
    begin(granted);
  };
  // A timer of the coordinator's, as often as it matters here.
  const tick = () => {
    begin(fleet.pass(refusalMs));
    if (claims.some(own => own.size > 0)) moments.after(refusalMs, tick);
  };
  for (const [node, own] of claims.entries()) {
    for (let id = 1; id <= storesPerNode; id++) own.set(id, waitingClaim(id));
    begin(fleet.report(node, [...own.values()]));
  }
  moments.after(refusalMs, tick);
  const isDone = moments.run(patienceMs);
  const rounds = Math.ceil(((belowSince ?? patienceMs) - (firstRefusal ?? 0)) / settleMs);
  return { refused, readyMs, isDone, rounds, fairness: jain(waits) };
}

/** As many as the configured limit at once; who is refused tries again after a settle time, in its own turn. */
function semaphore(nodes: number): Outcome {
  const moments = createMoments();
  const waits = new Array<Milliseconds>(nodes).fill(0);
  let begun = 0;
  let inFlight = 0;
  let refused = 0;
  let readyMs = 0;
  const next = () => {
    if (begun === nodes * storesPerNode) return;
    attempt(Math.floor(begun++ / storesPerNode));
  };
  const attempt = (node: number) => {
    if (inFlight >= trueLimit) {
      refused++;
      moments.after(settleMs, () => attempt(node));
      return;
    }
    inFlight++;
    moments.after(settleMs, () => {
      inFlight--;
      readyMs = moments.now();
      waits[node] = (waits[node] ?? 0) + readyMs;
      next();
    });
  };
  for (let slot = 0; slot < configured; slot++) next();
  const isDone = moments.run(patienceMs);
  return { refused, readyMs, isDone, fairness: jain(waits) };
}
