import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import { ensureKeys } from '@authmesh/coordinator/io/keys';
import { createPreparedAnnouncements } from '@authmesh/coordinator/io/prepared-announcements';
import { loadRows } from '@authmesh/coordinator/store/rows';
import { openStore } from '@authmesh/coordinator/store/store-engines';
import { createSigningKey, nodeIdOf } from '@authmesh/shared/crypto/signing';
import { createDriver } from '@authmesh/shared/runtime/driver';
import { makeMembers } from '../crowd/members.ts';
import { observationOf, sealedRecord } from '../crowd/shared-logins.ts';
import { type Bench, limitTarget } from '../figure.ts';
import { spread } from '../statistics.ts';

const rounds = 500;
const warmUpRounds = 50;
const hour = 3_600_000;
const link = 1 as LinkId;

/** The coordinator's own part of a renewed login: from the verified message to the frame that is durable and signed. */
export const change: Bench = {
  name: 'change',
  async run({ folder }) {
    const { keys, fleet } = await makeMembers(join(folder, 'data'), 1, 1);
    const [key] = keys;
    if (!key) throw new RangeError('the fleet has no node');
    const dataDir = join(folder, 'data');
    const store = await openStore({ dataDir, kind: 'sqlite', keys: await ensureKeys(dataDir) });
    const prepared = createPreparedAnnouncements(createSigningKey(), 1024 * 1024);
    const rows = await loadRows(store);
    let announced: (() => void) | undefined;
    const execute = (effect: CoordinatorEffect): void => {
      if (effect.type === 'compare-and-set') {
        void store.compareAndSet(effect.key, effect.expected, effect.value).then(outcome => {
          if (outcome.ok)
            driver.dispatch({ type: 'persist-succeeded', key: effect.key, storeRevision: outcome.revision });
        });
      } else if (effect.type === 'audit') {
        void store.appendAudit(effect.entry);
      } else if (effect.type === 'announce') {
        prepared.wireFor(effect.announcement, fleet);
        announced?.();
      }
    };
    const driver = createDriver<ReturnType<typeof createCoordinatorState>, CoordinatorEvent, CoordinatorEffect>({
      transition,
      state: createCoordinatorState({ ...rows, fleet: rows.fleet, policy: { allow: ['*'], deny: [] } }),
      execute,
      now: Date.now,
      elapsed: () => performance.now(),
      drawSeed: () => 1,
      onCrash: error => {
        throw error;
      },
    });
    const { publicKey } = key;
    const own = { protocol: 1, node: nodeIdOf(publicKey), publicKey, fleet, role: 'daemon', version: '0.1.0' } as const;
    const attest = { ...own, serverNonce: '', nonce: '', at: Date.now(), epoch: 1 };
    driver.dispatch({ type: 'started' });
    driver.dispatch({ type: 'attested', link, attest });
    const database = plainDatabase(join(folder, 'plain'));
    const ours: number[] = [];
    const plain: number[] = [];
    for (let round = 1 - warmUpRounds; round <= rounds; round++) {
      const renewals = round + warmUpRounds;
      const observation = observationOf(0, renewals, Date.now() + 8 * hour + renewals * 1_000);
      const message = { type: 'publish', observation, generation: renewals + 1, sealed: sealedRecord() } as const;
      const done = new Promise<void>(resolve => {
        announced = resolve;
      });
      const begun = performance.now();
      driver.dispatch({ type: 'frame-received', link, message });
      await done;
      if (round > 0) ours.push(performance.now() - begun);
      const text = randomBytes(1_024).toString('hex');
      const commit = performance.now();
      database.write(text);
      if (round > 0) plain.push(performance.now() - commit);
    }
    await store.close();
    database.close();
    return [
      {
        name: 'accepted change: decide + commit + frame',
        unit: 'ms',
        ...spread(ours),
        floor: { name: 'SQLite commits a row of 2 KB', ...spread(plain) },
        target: limitTarget(spread(ours).value, 1, 'ms'),
      },
    ];
  },
};

/** A row replaced again and again, with the settings that make a commit last. */
function plainDatabase(folder: string) {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'plain.sqlite'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, text)',
  );
  const upsert = database.prepare('INSERT INTO rows VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text');
  return { write: (text: string) => void upsert.run(text), close: () => database.close() };
}
