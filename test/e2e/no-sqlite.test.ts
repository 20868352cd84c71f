import { join } from 'node:path';
import { expect, it } from 'vitest';
import { doctorDocument } from './harness/contract.ts';
import { createCoordinator } from './harness/coordinator.ts';
import { oauth, owner } from './harness/login.ts';
import { share } from './harness/share.ts';
import { databaseStore } from './harness/sqlite.ts';
import { useStage } from './harness/stage.ts';
import { storeFile } from './harness/store-file.ts';

const stage = useStage();
/** Node's own way to be without its SQLite, as a distribution's build may be. */
const environment = { NODE_OPTIONS: '--no-experimental-sqlite' };

it('an agent whose Node reads no databases says so, and keeps the files in step', async () => {
  const { fleet, hosts } = await stage.hosts('pc-a');
  const [pcA] = hosts;
  const login = owner();
  const first = await share(login, pcA);
  const plain = fleet.host('plain', { environment });
  const file = storeFile(join(plain.stateDir, '..', '.openclaw-old'), 'main');
  file.put(login.profile, first);
  const database = databaseStore(plain.stateDir, '2026.9');
  database.put(login.profile, first);
  await fleet.join(plain);
  plain.configure({ openclaw: { stateDirs: [plain.stateDir, join(plain.stateDir, '..', '.openclaw-old')] } });
  await plain.start();
  const renewed = oauth(login);
  pcA.store().put(login.profile, renewed);
  await file.holds(login.profile, renewed);
  expect(database.entry(login.profile)).toMatchObject({ access: first.access });
  const { code, document } = await plain.json('doctor');
  const { findings } = doctorDocument.parse(document);
  expect(code).toBe(1);
  expect(findings.map(({ found }) => found)).toContainEqual(
    expect.stringMatching(/openclaw\.sqlite.* without `node:sqlite`.*--no-experimental-sqlite/s),
  );
});

it('a coordinator whose Node has no databases says so at its start', async () => {
  const { folder } = await stage.fleet();
  const coordinator = createCoordinator({ folder, name: 'plain', environment });
  const { code, stderr } = await coordinator.command('run', '--listen', '127.0.0.1:0');
  expect([code, stderr]).toEqual([
    expect.any(Number),
    expect.stringMatching(/authmesh\.sqlite.* without `node:sqlite`/),
  ]);
  expect(code).not.toBe(0);
});
