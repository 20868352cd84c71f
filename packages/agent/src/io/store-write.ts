import { setTimeout as delay } from 'node:timers/promises';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { absentStore, type ParsedStore, parseStore, quarantinedStore, type ReadContext } from './auth-profiles.ts';
import type { DeliveryDeps } from './delivery.ts';
import { heldIn } from './formats/hold-mark.ts';
import { adapterOf } from './store-adapter.ts';
import { type ChangeOutcome, isDelivery, type StoreChange } from './store-change.ts';
import { editAll, heldBy } from './store-edit.ts';
import type { Missed, StoreRead } from './store-port.ts';

/** A store that changes under the hand this often in a row is left for the next round. */
const overtakenMax = 5;
/** OpenClaw may take a lock of 30 s for abandoned: no attempt begins later than this. */
const attemptsMs: Milliseconds = 15 * second;
/** How long a torn store may stay torn: a busy disk draws a write of some kilobytes out. */
const tornMs: Milliseconds = second;
const tornPauseMs: Milliseconds = 5;

/** What was read of a store, as a parsed store: what cannot be read is set aside. */
export function parseRead(read: StoreRead, context: ReadContext): ParsedStore {
  switch (read.state) {
    case 'read':
      return parseStore(read.text, context, read.beside);
    case 'absent':
      return absentStore;
    case 'refused':
      return quarantinedStore(read.reason, read.passing);
    default:
      return read satisfies never;
  }
}

/** Writes a batch into one store whose lock is held; an outcome for each change, in the batch's order. */
export async function writeTogether(
  store: StoreId,
  batch: readonly StoreChange[],
  deps: DeliveryDeps,
): Promise<readonly ChangeOutcome[]> {
  let stood = false;
  const outcomes = await writeInTurn(store, batch, deps, () => {
    stood = true;
  });
  if (!stood) return outcomes;
  return outcomes.map(outcome =>
    outcome.result === 'written' || outcome.result === 'marked' ? outcome : { ...outcome, stood },
  );
}

/** The same; `onReplaced` is told when the store was replaced, whatever became of that. */
async function writeInTurn(
  store: StoreId,
  batch: readonly StoreChange[],
  deps: DeliveryDeps,
  onReplaced: () => void,
): Promise<readonly ChangeOutcome[]> {
  const deadline = performance.now() + attemptsMs;
  let missed: Missed | undefined;
  // What the store lacks since the last attempt is put back, however many more it takes.
  for (let attempt = 0; missed || attempt < overtakenMax; attempt++) {
    const ended = await writeOnce(store, batch, deps, missed, onReplaced).catch(async (error: unknown) => {
      await missed?.putBack(0);
      throw error;
    });
    if (ended.state === 'settled') return ended.outcomes;
    missed = ended.missed;
    if (ended.state === 'again' && performance.now() < deadline) continue;
    const lack = await missed?.putBack(deadline);
    if (lack !== undefined) {
      const reason = `${store} lacks a login that was saved during a delivery (${lack}): sign in once more`;
      return batch.map(() => ({ result: 'failed', reason }));
    }
    if (ended.state === 'again') break;
    if (ended.state === 'lapsed') return batch.map(change => (isLapsed(change, deps) ? lapsed : { result: 'changed' }));
    const result = ended.state === 'locked' ? 'locked' : 'failed';
    return batch.map(() => ({ result, reason: ended.reason }));
  }
  return batch.map(() => ({ result: 'changed' }));
}

/**
 * `again`: somebody without the lock is writing; `lapsed`: a permit is over; `locked`: somebody has been writing for too
 * long; `refused`: nothing more can be written here. `missed` is what they
 * wrote into the file that was replaced, while the store lacks it.
 */
type Attempt =
  | { readonly state: 'settled'; readonly outcomes: readonly ChangeOutcome[] }
  | { readonly state: 'again'; readonly missed?: Missed | undefined }
  | { readonly state: 'lapsed'; readonly missed?: Missed | undefined }
  | { readonly state: 'locked' | 'refused'; readonly reason: string; readonly missed?: Missed | undefined };

/** Edits what stands in the store, or `missed` when the store lacks somebody's last word. */
async function writeOnce(
  store: StoreId,
  batch: readonly StoreChange[],
  deps: DeliveryDeps,
  missed: Missed | undefined,
  onReplaced: () => void,
): Promise<Attempt> {
  const context = deps.context();
  const adapter = adapterOf(store);
  const { read, parsed: stood } = await readWhole(store, context);
  await deps.at?.('read');
  const onDisk = read.state === 'read' ? read.text : undefined;
  // A store that was saved anew since has its last word.
  const late = onDisk === missed?.ours ? missed?.late : undefined;
  const parsed = late === undefined ? stood : parseStore(late, context);
  if (parsed.seen.state === 'quarantined') {
    return { state: 'refused', reason: `${store} is left alone: ${parsed.seen.reason}`, missed };
  }
  const { text, isApplied } = editAll(late ?? onDisk, parsed, batch, context);
  await deps.at?.('edited');
  if (text !== undefined && text !== onDisk) {
    // The last moment: whoever was suspended since the delivery began must not wake anybody now.
    const mayStill = () => !batch.some(change => isLapsed(change, deps));
    const replaced = await adapter.replace(store, read, text, { at: deps.at, mayStill });
    if (replaced.outcome.result === 'lapsed') return { state: 'lapsed', missed };
    if (replaced.outcome.result === 'replaced' || replaced.missed) onReplaced();
    if (replaced.outcome.result === 'locked') return { state: 'locked', reason: replaced.outcome.reason, missed };
    if (replaced.outcome.result === 'failed') {
      const reason = `${store} was not written: ${replaced.outcome.reason}`;
      return { state: 'refused', reason, missed: replaced.missed ?? missed };
    }
    if (replaced.missed) return { state: 'again', missed: replaced.missed };
    if (replaced.outcome.result === 'overtaken') return { state: 'again', missed };
  }
  const found = parseRead(adapter.read(store), context);
  const delivered = batch.map((change, index) =>
    isApplied[index] && isDelivery(change) ? heldBy(found, change, context) : undefined,
  );
  const profiles = delivered.flatMap(seen => (seen ? [seen.profile] : []));
  deps.onRead?.(store, found, profiles);
  await deps.at?.('read-back');
  const isLifted = await adapter.liftMarks(store, profiles, sentence => deps.onTrouble?.(store, sentence));
  if (isLifted) deps.onLifted?.(store);
  await deps.at?.('marks-lifted');
  const outcomes = delivered.map((seen, index): ChangeOutcome => {
    const change = batch[index];
    if (change && !isDelivery(change) && isApplied[index]) return { result: 'marked', held: heldIn(text) };
    return seen ? { result: 'written', seen } : { result: 'changed' };
  });
  return { state: 'settled', outcomes };
}

/** OpenClaw truncates a store before it writes it: an empty or half one is read again for a while. */
async function readWhole(
  store: StoreId,
  context: ReadContext,
): Promise<{ readonly read: StoreRead; readonly parsed: ParsedStore }> {
  const deadline = performance.now() + tornMs;
  for (;;) {
    const read = adapterOf(store).read(store);
    const parsed = parseRead(read, context);
    if (!parsed.partial || performance.now() >= deadline) return { read, parsed };
    await delay(tornPauseMs);
  }
}

const lapsed: ChangeOutcome = { result: 'lapsed', reason: 'the moment for it had passed' };

function isLapsed({ before }: StoreChange, { elapsed }: DeliveryDeps): boolean {
  return before !== undefined && elapsed !== undefined && elapsed() >= before;
}
