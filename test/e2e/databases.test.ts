import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { doctorDocument, joinDocument, statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner } from './harness/login.ts';
import { share } from './harness/share.ts';
import { databaseStore, type Era } from './harness/sqlite.ts';
import { type Fleet, useStage } from './harness/stage.ts';

const stage = useStage();
let fleet: Fleet;
let pcA: Host;

beforeAll(async () => {
  const started = await stage.hosts('pc-a');
  fleet = started.fleet;
  [pcA] = started.hosts;
}, 60_000);

/** Makes a host a member and starts its agent; what `join` said. */
async function bring(host: Host, fields: object = {}): Promise<ReturnType<typeof joinDocument.parse>> {
  const { document: invite } = await pcA.json<{ code: string }>('invite');
  const joined = await host.json('join', invite.code, '--name', host.name, '--state-dir', host.stateDir);
  host.configure({ ...fields });
  await host.start();
  await host.online();
  return joinDocument.parse(joined.document);
}

const bearer = ({ refresh: _, ...login }: ReturnType<typeof oauth>) => login;

describe.each<Era>(['2026.7', '2026.9'])('a host whose OpenClaw keeps logins in a database as of %s', era => {
  it('is in step with the others, in both directions, and gets no JSON file', async () => {
    const login = owner();
    const first = await share(login, pcA);
    const modern = fleet.host(`modern-${era}`);
    const store = databaseStore(modern.stateDir, era);
    store.put(login.profile, bearer(first));
    const { openclaw } = await bring(modern);
    const generation = era === '2026.7' ? 'sqlite' : 'sqlite-shared';
    expect(openclaw).toEqual([{ stateDir: modern.stateDir, generation, foreign: [] }]);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await store.holds(login.profile, renewed);
    expect(store.entry(login.profile)).toEqual({ ...bearer(first), access: renewed.access, expires: renewed.expires });
    const own = oauth(login);
    store.put(login.profile, own);
    await pcA.store().holds(login.profile, own);
    await modern.accountIs(login, account => account?.copies.every(({ state }) => state === 'current') === true);
    expect(statusDocument.parse((await modern.json('status')).document).openclaw).toMatchObject([{ generation }]);
    expect(modern.store().exists()).toBe(false);
  });

  it('adopts a login of the fleet, and heals one that has ended', async () => {
    const login = owner();
    const adopted = owner();
    const current = await share(login, pcA);
    const other = await share(adopted, pcA);
    const modern = fleet.host(`adopting-${era}`);
    const store = databaseStore(modern.stateDir, era);
    store.put(login.profile, bearer(oauth(login, -hour)));
    await bring(modern);
    await store.holds(login.profile, current);
    const { code } = await modern.agent('adopt', adopted.profile);
    expect(code).toBe(0);
    // Releases with a database call this provider by another name.
    const profile = adopted.profile.replace('openai-codex', 'openai');
    expect(store.entry(profile)).toMatchObject({ provider: 'openai', access: other.access });
  });

  it('says of a schema that it does not know what it found, and writes nothing there', async () => {
    const login = owner();
    const first = await share(login, pcA);
    const modern = fleet.host(`future-${era}`);
    const store = databaseStore(modern.stateDir, era);
    store.put(login.profile, bearer(first));
    await bring(modern);
    store.sql('PRAGMA user_version = 99');
    await until('the store is set aside', async () => {
      const { stores } = await modern.status();
      return stores.some(found => found.store === store.path && found.state === 'quarantined');
    });
    const bytes = readFileSync(store.path, 'base64');
    const { document } = await modern.json('doctor');
    const said = doctorDocument.parse(document).findings.map(({ found }) => found);
    expect(said.some(found => found.includes(store.path) && found.includes('`user_version` is 99'))).toBe(true);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await pcA.accountIs(login, account => account?.revision === 2);
    expect(readFileSync(store.path, 'base64') === bytes).toBe(true);
    store.sql('PRAGMA user_version = 1');
    await store.holds(login.profile, pcA.store().entry(login.profile) ?? {});
  });
});

describe('an agent’s own logins beside the shared ones', () => {
  it('are kept in step too, and an agent without any is left without', async () => {
    const login = owner();
    const first = await share(login, pcA);
    const modern = fleet.host('overriding');
    const shared = databaseStore(modern.stateDir, '2026.9');
    const work = databaseStore(modern.stateDir, '2026.7', 'work');
    mkdirSync(join(modern.stateDir, 'agents', 'idle', 'agent'), { recursive: true });
    for (const store of [shared, work]) store.put(login.profile, bearer(first));
    await bring(modern);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await Promise.all([shared, work].map(store => store.holds(login.profile, renewed)));
    const idle = databaseStore(modern.stateDir, '2026.7', 'idle');
    expect(existsSync(idle.path)).toBe(false);
  });
});

describe('a host that is upgraded while its agent runs', () => {
  it('is followed from its file into its own database, and on into the shared one', { timeout: 180_000 }, async () => {
    const login = owner();
    const first = await share(login, pcA);
    const modern = fleet.host('upgraded');
    modern.store().put(login.profile, bearer(first));
    await bring(modern);
    const own = databaseStore(modern.stateDir, '2026.7');
    const shared = databaseStore(modern.stateDir, '2026.9');
    for (const [store, leave] of [
      [own, () => rmSync(modern.store().path)],
      [shared, () => own.sql('DELETE FROM auth_profile_store')],
    ] as const) {
      // As `openclaw doctor --fix` does it: the row first, then what was there before goes.
      store.put(
        login.profile,
        pcA.store().entry(login.profile) ? bearer(pcA.store().entry(login.profile) as never) : {},
      );
      leave();
      const renewed = oauth(login);
      pcA.store().put(login.profile, renewed);
      await store.holds(login.profile, renewed);
      await until('the daemon looks at the new place alone', async () => {
        const copies = (await modern.account(login))?.copies.filter(({ node }) => node === modern.name) ?? [];
        return copies.length === 1 && copies[0]?.store === store.path && copies[0].state === 'current';
      });
    }
  });
});

describe('a gateway that goes on with what it once read', () => {
  it('is told once for a burst of deliveries, and what keeps it from that is a state of its own', async () => {
    const login = owner();
    const other = owner();
    const both = [login, other] as const;
    for (const one of both) await share(one, pcA);
    const modern = fleet.host('remembering');
    const store = databaseStore(modern.stateDir, '2026.7');
    for (const one of both) store.put(one.profile, bearer(oauth(one, -hour)));
    const command = join(dirname(modern.stateDir), 'openclaw');
    const calls = join(dirname(modern.stateDir), 'calls');
    const script = (end: string) => {
      writeFileSync(command, `#!/bin/sh\necho "$OPENCLAW_STATE_DIR $*" >> ${calls}\n${end}\n`);
      chmodSync(command, 0o755);
    };
    script('exit 0');
    await bring(modern, { openclaw: { stateDirs: [modern.stateDir], command } });
    for (const one of both) await store.holds(one.profile, pcA.store().entry(one.profile) ?? {});
    await until('the gateway was told', () => existsSync(calls));
    script('echo "scope upgrade pending approval" >&2; exit 1');
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await store.holds(login.profile, renewed);
    await until('the trouble is told', async () => (await modern.status()).openclaw[0]?.reload !== undefined);
    const { code, document } = await modern.json('status');
    expect([code, statusDocument.parse(document).openclaw[0]?.reload?.mend]).toEqual([
      1,
      expect.stringContaining('devices approve'),
    ]);
    await modern.accountIs(login, account => account?.copies.every(({ state }) => state === 'current') === true);
    const told = readFileSync(calls, 'utf8').trim().split('\n');
    expect(told).toEqual(told.map(() => `${modern.stateDir} secrets reload --json`));
  });
});

describe('a database that another process keeps locked', () => {
  it('is written when it is free again, and the daemon answers meanwhile', { timeout: 60_000 }, async () => {
    const login = owner();
    const first = await share(login, pcA);
    const modern = fleet.host('busy');
    const store = databaseStore(modern.stateDir, '2026.9');
    store.put(login.profile, bearer(first));
    await bring(modern);
    const holder = new DatabaseSync(store.path);
    holder.exec('BEGIN IMMEDIATE');
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await modern.accountIs(
      login,
      account => account?.copies.some(({ node, state }) => node === modern.name && state !== 'current') === true,
    );
    holder.exec('COMMIT');
    holder.close();
    await store.holds(login.profile, renewed);
    expect(store.entry(login.profile)).toMatchObject({ expires: renewed.expires });
  });
});
