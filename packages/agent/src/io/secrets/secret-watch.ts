import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { readingsPerNodeMax } from '@authmesh/shared/protocol/limits';
import type { SecretDeclaration, StatedSource } from '../formats/secret-declaration.ts';
import { gatewayTokenFiles } from './gateway-token.ts';
import type { SecretReader } from './secret-reader.ts';

/** How often each kind of source is looked at: a file when its times change, a process by itself, a command rarely. */
const looks = { file: 2 * second, process: 5 * second, command: minute } as const;

/** A writer truncates and writes within far less. */
const settleMs: Milliseconds = 50;
const settleTriesMax = 10;

export interface SecretWatch {
  /** Other secrets from now on; they are read at once. */
  readonly change: (declarations: readonly SecretDeclaration[]) => Promise<void>;
  /** Looks at all of them now. */
  readonly look: () => Promise<void>;
  /** Resolves when a look under way is over. */
  readonly close: () => Promise<void>;
}

/** A secret, what was read of it, and what its sources looked like then. */
interface Watched {
  readonly declaration: SecretDeclaration;
  readonly everyMs: Milliseconds;
  stamp: string;
  readAt: Milliseconds;
  readings: readonly SecretReading[];
}

/** Reads this host's secrets, and again what may have changed; tells all of them whenever one did. */
export function createSecretWatch(from: {
  readonly read: SecretReader;
  readonly onReadings: (readings: readonly SecretReading[]) => void;
  /** For tests: what is waited for between two looks. */
  readonly lookMs?: Milliseconds | undefined;
}): SecretWatch {
  /** Undefined before anybody has said what there is to read: that is not the same as nothing. */
  let watched: Watched[] | undefined;
  let told: string | undefined;
  let looking: Promise<void> = Promise.resolve();
  const ending = new AbortController();

  async function look(): Promise<void> {
    const now = performance.now();
    if (!watched) return;
    for (const one of watched) {
      if (ending.signal.aborted) return;
      const stamp = await settledStamp(one);
      if (one.stamp === stamp && now - one.readAt < one.everyMs) continue;
      one.readings = await from.read(one.declaration, ending.signal);
      one.stamp = stamp;
      one.readAt = now;
    }
    // A name may stand for many processes: no secret is missing because others have many.
    const [first, rest] = [watched.map(one => one.readings.slice(0, 1)), watched.map(one => one.readings.slice(1))];
    const readings = [...first, ...rest].flat().slice(0, readingsPerNodeMax);
    const text = JSON.stringify(readings);
    if (text === told || ending.signal.aborted) return;
    told = text;
    from.onReadings(readings);
  }

  /** One look after the other: a command may take longer than the time between two. */
  function lookNext(): Promise<void> {
    looking = looking.then(look);
    return looking;
  }

  let isWaiting = false;
  const timer = setInterval(() => {
    if (isWaiting) return;
    isWaiting = true;
    void lookNext().finally(() => {
      isWaiting = false;
    });
  }, from.lookMs ?? looks.file);
  timer.unref();

  return {
    change(declarations) {
      looking = looking.then(() => {
        // What is declared may have changed though nothing that is read has.
        told = undefined;
        watched = declarations.map(declaration => ({
          declaration,
          everyMs: Math.min(...declaration.from.map(everyMsOf)),
          stamp: '',
          readAt: Number.NEGATIVE_INFINITY,
          readings: [],
        }));
      });
      return lookNext();
    },
    look() {
      looking = looking.then(() => {
        for (const one of watched ?? []) one.readAt = Number.NEGATIVE_INFINITY;
      });
      return lookNext();
    },
    close() {
      ending.abort();
      clearInterval(timer);
      return looking;
    },
  };
}

function everyMsOf(source: StatedSource): Milliseconds {
  if ('env' in source || 'gateway' in source) return looks.process;
  return 'command' in source ? looks.command : Number.POSITIVE_INFINITY;
}

/** A file that is being written is empty, or half: one that has changed is read when it stands still. */
async function settledStamp({ declaration, stamp: before }: Watched): Promise<string> {
  let stamp = await stampOf(declaration);
  for (let tries = 0; stamp !== before && before !== '' && tries < settleTriesMax; tries++) {
    await delay(settleMs);
    const now = await stampOf(declaration);
    if (now === stamp) break;
    stamp = now;
  }
  return stamp;
}

async function filesOf(source: StatedSource): Promise<readonly string[]> {
  if ('gateway' in source) return gatewayTokenFiles(source.gateway);
  return 'dotenv' in source ? [source.dotenv] : 'json' in source ? [source.json] : [];
}

/** Changes when a file of the secret was written, replaced, made or removed. */
async function stampOf({ from }: SecretDeclaration): Promise<string> {
  const stamps: string[] = [];
  for (const source of from) {
    for (const path of await filesOf(source)) {
      const found = await stat(path).catch(() => undefined);
      stamps.push(found ? [found.mtimeMs, found.ctimeMs, found.size, found.ino].join() : 'none');
    }
  }
  return stamps.join(';');
}
