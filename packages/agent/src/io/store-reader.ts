import { createHash } from 'node:crypto';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { type ParsedStore, quarantinedStore, type ReadContext } from './auth-profiles.ts';
import { adapterOf } from './store-adapter.ts';
import { type FileSignature, isSameSignature } from './store-file.ts';
import { parseRead } from './store-write.ts';

export interface StoreReaderOptions {
  readonly context: () => ReadContext;
  /** How long after the last touch the store is read once more. */
  readonly settleMs: Milliseconds;
  readonly onChange: (parsed: ParsedStore) => void;
  /** Told where the bytes are, when the store is a symbolic link. */
  readonly onTarget: (target: string) => void;
}

/** Keeps an eye on one store: decides when to read it, and whether what was read is news. */
export interface StoreReader {
  /** Something happened to the file: read it at once, and once more when nothing happens any longer. */
  readonly touch: () => void;
  /**
   * Reads the file if it looks different (`isFull`: in any case), or sets it aside for a reason from outside, which
   * stands until the next look.
   */
  readonly look: (isFull: boolean, refusal?: string) => Promise<void>;
  /** Reads the file and tells what is there, news or not. */
  readonly report: () => Promise<void>;
  /** A delivery has just read it back and answers for the profiles `delivered`: only what else changed is news. */
  readonly accept: (parsed: ParsedStore, delivered: readonly ProfileId[]) => void;
  /** Runs `work` while nothing is read: what it writes is first seen by its own reading back. */
  readonly during: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly close: () => void;
  /** When it was last looked at, by the wall clock. */
  readonly lookedAt: () => Instant | undefined;
}

/**
 * A file that is empty, cut off or gone may be in the middle of a write (releases before 2026.4.5 truncate and write in
 * place; a restore deletes and copies): it is looked at again after these pauses before anybody is told.
 */
export const partialRetriesMs: readonly Milliseconds[] = [5, 20, 60, 150, 300, 500];

/** Longer than a tick of any file system's clock. */
const tickMs: Milliseconds = 50;

export function createStoreReader(store: StoreId, options: StoreReaderOptions): StoreReader {
  const adapter = adapterOf(store);
  let signature: FileSignature | undefined;
  let contentHash: string | undefined;
  let told: ParsedStore | undefined;
  let refusal: string | undefined;
  let retries = 0;
  /** The next read is one that a passing state asked for. */
  let isRetry = false;
  /** The file was so new when it was read that one more change may have left it looking the same. */
  let isDoubtful = false;
  let readAt = Number.NEGATIVE_INFINITY;
  let settling: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;
  /** When the store was last known to be as it was told, by the wall clock. */
  let lookedAt: Instant | undefined;
  let isClosed = false;
  let queue: Promise<void> = Promise.resolve();
  /** What is in the queue or under way. */
  let turns = 0;
  let isQueued = false;

  function isNews(parsed: ParsedStore): boolean {
    // A store that never was there is no news.
    return told ? digestOf(parsed) !== digestOf(told) : parsed.seen.state !== 'absent';
  }

  function isAsBefore(): boolean {
    const now = adapter.peek(store);
    if (now === undefined || signature === undefined) return now === signature;
    return isSameSignature(now, signature);
  }

  /** Nothing can be new there; a doubtful state is looked at once more, and not before that can tell. */
  function isKnown(): boolean {
    return isAsBefore() && (!isDoubtful || performance.now() - readAt < tickMs);
  }

  function tell(parsed: ParsedStore, always: boolean): void {
    if (isClosed || (!always && !isNews(parsed))) return;
    told = parsed;
    options.onChange(parsed);
  }

  async function read(isFull: boolean, always: boolean): Promise<void> {
    if (isClosed) return;
    if (refusal !== undefined && adapter.peek(store) !== undefined) return tell(quarantinedStore(refusal), always);
    lookedAt = Date.now();
    if (adapter.readingShows && !isFull && !always && !isRetry && isKnown()) return;
    isRetry = false;
    readAt = performance.now();
    // Before the reading: what changes after it is seen at the next look.
    signature = adapter.peek(store);
    const found = adapter.read(store);
    if (found.state === 'read') {
      isDoubtful = isWithinTick(found.signature);
      options.onTarget(found.target);
      const hash = createHash('sha256')
        .update(found.text)
        .update(found.beside ?? '')
        .digest('base64');
      if (hash === contentHash && !isFull && !always) return;
      contentHash = hash;
    } else {
      isDoubtful = false;
      contentHash = undefined;
    }
    const parsed = parseRead(found, options.context());
    const isPassing = parsed.partial || (parsed.seen.state === 'absent' && told !== undefined);
    const pauseMs = isPassing && isNews(parsed) ? partialRetriesMs[retries] : undefined;
    if (pauseMs !== undefined && !always) {
      retries++;
      contentHash = undefined;
      clearTimeout(retrying);
      retrying = setTimeout(() => {
        isRetry = true;
        enqueue();
      }, pauseMs);
      return;
    }
    if (!isPassing) retries = 0;
    tell(parsed, always);
  }

  /** Reads follow each other; touches that come before one has begun share it. */
  function enqueue(): void {
    if (isQueued || isClosed) return;
    isQueued = true;
    void inTurn(async () => {
      isQueued = false;
      await read(false, false);
    });
  }

  /** At once when nothing else goes on: a store is read before the watcher goes on with its own work. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = turns++ === 0 ? work() : queue.then(work);
    const done = (): void => {
      turns--;
    };
    queue = result.then(done, done);
    return result;
  }

  return {
    touch: () => {
      if (!adapter.readingShows || !isAsBefore()) retries = 0;
      enqueue();
      clearTimeout(settling);
      settling = setTimeout(enqueue, options.settleMs);
    },
    look: (isFull, refusalNow) =>
      inTurn(async () => {
        const isOther = refusalNow !== refusal;
        refusal = refusalNow;
        lookedAt = Date.now();
        if (!isAsBefore() || isFull || isOther) await read(isFull || isOther, false);
      }),
    report: () => inTurn(() => read(true, true)),
    accept: (parsed, delivered) => {
      if (told && digestOf(parsed) === digestOf(withProfiles(told, parsed, delivered))) told = parsed;
      else tell(parsed, false);
    },
    during: inTurn,
    lookedAt: () => lookedAt,
    close: () => {
      isClosed = true;
      clearTimeout(settling);
      clearTimeout(retrying);
    },
  };
}

/** Whether a file was written so lately that a second write may leave the same times. */
function isWithinTick({ modifiedMs, changedMs }: FileSignature): boolean {
  const age = Date.now() - Math.max(modifiedMs, changedMs);
  return age >= 0 && age < tickMs;
}

/** The store as it was, but for some profiles, which are as in `after`. */
function withProfiles(before: ParsedStore, after: ParsedStore, profiles: readonly ProfileId[]): ParsedStore {
  if (before.seen.state !== 'readable' || after.seen.state !== 'readable') return before;
  const replaced = new Set(profiles);
  const kept = before.seen.profiles.filter(({ profile }) => !replaced.has(profile));
  const taken = after.seen.profiles.filter(({ profile }) => replaced.has(profile));
  return { ...before, seen: { ...before.seen, profiles: [...kept, ...taken] } };
}

/** What of a store is news when it changes: not its order, nor OpenClaw's statistics. */
function digestOf({ seen, skipped }: ParsedStore): string {
  if (seen.state !== 'readable') return JSON.stringify(seen);
  const profiles = seen.profiles.toSorted((a, b) => (a.profile < b.profile ? -1 : 1));
  return JSON.stringify([profiles, seen.hold, skipped]);
}
