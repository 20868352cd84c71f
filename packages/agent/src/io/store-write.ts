import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeenProfile, WriteOutcome } from '@authmesh/agent/core/event';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import {
  absentStore,
  createProfile,
  editCredential,
  liftAuthMarks,
  type ParsedStore,
  parseStore,
  quarantinedStore,
  type ReadContext,
} from './auth-profiles.ts';
import type { Delivery, DeliveryDeps } from './delivery.ts';
import { replaceFile } from './durable-file.ts';
import { type FileRead, isSameSignature, peekSignature, readStoreFile } from './store-file.ts';
import { replaceStore } from './store-replacement.ts';

/** From 2026.4.7 on OpenClaw keeps its marks here; the store's lock covers it. */
const stateFile = 'auth-state.json';
/** A store that changes under the hand this often in a row is left for the next round. */
const overtakenMax = 5;
const attemptsMax = 100;
/** How long a torn store may stay torn: a busy disk draws a write of some kilobytes out. */
const tornMs: Milliseconds = second;
const tornPauseMs: Milliseconds = 5;

/** What was read of a store, as a parsed store: refusals of the file system are quarantines too. */
export function parseRead(read: FileRead, context: ReadContext): ParsedStore {
  switch (read.state) {
    case 'read':
      return parseStore(read.text, context);
    case 'absent':
      return absentStore;
    case 'refused':
      return quarantinedStore(read.reason, read.passing);
    default:
      return read satisfies never;
  }
}

/** Writes a batch into one store whose lock is held; an outcome for each delivery, in the batch's order. */
export async function writeTogether(
  store: StoreId,
  batch: readonly Delivery[],
  deps: DeliveryDeps,
): Promise<readonly WriteOutcome[]> {
  let late: string | undefined;
  // What the store lacks since the last attempt is put back, however many more it takes.
  for (let attempt = 0; attempt < (late === undefined ? overtakenMax : attemptsMax); attempt++) {
    const ended = await writeOnce(store, batch, deps, late);
    if (ended.state === 'settled') return ended.outcomes;
    late = ended.late;
  }
  return batch.map(() => ({ result: 'changed' }));
}

/** `again`: somebody without the lock is writing; `late` is what they wrote into the file that was just replaced. */
type Attempt =
  | { readonly state: 'settled'; readonly outcomes: readonly WriteOutcome[] }
  | { readonly state: 'again'; readonly late?: string | undefined };

/** Edits what stands in the store, or `late` when the store lacks somebody's last word. */
async function writeOnce(
  store: StoreId,
  batch: readonly Delivery[],
  deps: DeliveryDeps,
  late: string | undefined,
): Promise<Attempt> {
  const context = deps.context();
  const { read, parsed: stood } = await readWhole(store, context);
  await deps.at?.('read');
  const parsed = late === undefined ? stood : parseStore(late, context);
  if (parsed.seen.state === 'quarantined') {
    const reason = `${store} is left alone: ${parsed.seen.reason}`;
    return { state: 'settled', outcomes: batch.map(() => ({ result: 'failed', reason })) };
  }
  const onDisk = read.state === 'read' ? read.text : undefined;
  const { text, isApplied } = editAll(late ?? onDisk, parsed, batch, context);
  await deps.at?.('edited');
  if (text !== undefined && text !== onDisk) {
    const { outcome, late: missed } = await replaceStore(store, read, text, deps.at);
    if (missed !== undefined) return { state: 'again', late: missed };
    if (outcome.result === 'overtaken') return { state: 'again' };
    if (outcome.result === 'failed') {
      const reason = `${store} was not written: ${outcome.reason}`;
      return { state: 'settled', outcomes: batch.map(() => ({ result: 'failed', reason })) };
    }
  }
  const found = parseRead(readStoreFile(store), context);
  const delivered = batch.map((delivery, index) => (isApplied[index] ? heldBy(found, delivery, context) : undefined));
  const profiles = delivered.flatMap(seen => (seen ? [seen.profile] : []));
  deps.onRead?.(store, found, profiles);
  await deps.at?.('read-back');
  await liftMarksBeside(store, profiles, deps);
  await deps.at?.('marks-lifted');
  const outcomes = delivered.map((seen): WriteOutcome => (seen ? { result: 'written', seen } : { result: 'changed' }));
  return { state: 'settled', outcomes };
}

/** OpenClaw truncates a store before it writes it: an empty or half one is read again for a while. */
async function readWhole(
  store: StoreId,
  context: ReadContext,
): Promise<{ readonly read: FileRead; readonly parsed: ParsedStore }> {
  const deadline = performance.now() + tornMs;
  for (;;) {
    const read = readStoreFile(store);
    const parsed = parseRead(read, context);
    if (!parsed.partial || performance.now() >= deadline) return { read, parsed };
    await delay(tornPauseMs);
  }
}

interface Edited {
  readonly text: string | undefined;
  /** Whether each delivery met what it expected and went into the text. */
  readonly isApplied: readonly boolean[];
}

function editAll(
  original: string | undefined,
  parsed: ParsedStore,
  batch: readonly Delivery[],
  context: ReadContext,
): Edited {
  const options = { localOffsetMs: context.clockOffsetMs };
  const written = new Map<ProfileId, Delivery>();
  let text = original;
  const isApplied = batch.map(delivery => {
    const { profile, credential, form } = delivery;
    const before = written.get(profile);
    // A repeated delivery (a crash may repeat one) finds its own credential there.
    const isThere = before ? isSameDelivery(before, delivery) : heldBy(parsed, delivery, context) !== undefined;
    if (isThere) return true;
    if (before || (!delivery.isNew && !meets(seenOf(parsed, profile), delivery))) return false;
    const edited = delivery.isNew
      ? createProfile(text, profile, credential, form, options)
      : text === undefined
        ? undefined
        : editCredential(text, profile, credential, form, options);
    if (edited === undefined) return false;
    text = edited;
    written.set(profile, delivery);
    return true;
  });
  return { text, isApplied };
}

function isSameDelivery(a: Delivery, b: Delivery): boolean {
  return (
    a.form === b.form && a.credential.access === b.credential.access && a.credential.refresh === b.credential.refresh
  );
}

function seenOf(parsed: ParsedStore, profile: ProfileId): SeenProfile | undefined {
  return parsed.seen.state === 'readable' ? parsed.seen.profiles.find(seen => seen.profile === profile) : undefined;
}

/** Whether what was judged still stands there. */
function meets(seen: SeenProfile | undefined, { expected }: Delivery): boolean {
  return seen !== undefined && seen.access === expected.access && seen.refresh === expected.refresh;
}

/** The profile as it stands, if it has the delivery's credential in its form. */
function heldBy(
  parsed: ParsedStore,
  { profile, credential, form }: Delivery,
  { fingerprint }: ReadContext,
): SeenProfile | undefined {
  const seen = seenOf(parsed, profile);
  if (seen?.health !== 'sound' || seen.access !== fingerprint(credential.access)) return undefined;
  if (form === 'bearer') return seen.refresh === undefined ? seen : undefined;
  return credential.refresh === undefined || seen.refresh === fingerprint(credential.refresh) ? seen : undefined;
}

/** The credential stands already: marks that stay only delay the agent, so trouble here fails nothing. */
async function liftMarksBeside(store: StoreId, profiles: readonly ProfileId[], deps: DeliveryDeps): Promise<void> {
  const path = join(dirname(store), stateFile);
  const read = profiles.length > 0 ? readStoreFile(path) : undefined;
  if (read?.state !== 'read') return;
  const text = profiles.reduce(liftAuthMarks, read.text);
  if (text === read.text) return;
  const outcome = await replaceFile(read.target, text, {
    isUnchanged: () => {
      const now = peekSignature(path);
      return now !== undefined && isSameSignature(now, read.signature);
    },
  });
  if (outcome.result === 'failed') deps.onTrouble?.(store, `the cooldown in ${path} stays: ${outcome.reason}`);
}
