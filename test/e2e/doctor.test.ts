import { chmodSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { hour, type Owner, oauth, owner, token } from './harness/login.ts';
import { run, start } from './harness/program.ts';
import { renew, share } from './harness/share.ts';
import { databaseStore } from './harness/sqlite.ts';
import { type Fleet, useStage } from './harness/stage.ts';

const stage = useStage({ agent: { custody: 'home', refresh: { enabled: false } } });

/** What the doctor says of a host, in its first lines; a planted fault has to be among them, and what mends it below. */
async function firstLines(host: Host): Promise<{ readonly code: number | null; readonly text: string }> {
  const { code, stdout } = await host.agent('doctor');
  const findings = stdout
    .trimEnd()
    .split('\n')
    .filter(line => !/^\s+→/.test(line));
  const third = findings[3];
  return { code, text: third === undefined ? stdout : stdout.slice(0, stdout.indexOf(third)) };
}

async function names(host: Host, cause: RegExp, mend: RegExp): Promise<void> {
  let said = '';
  await until(`the doctor names it: ${cause}`, async () => {
    said = (await firstLines(host)).text;
    const lines = said.split('\n');
    const found = lines.findIndex(line => cause.test(line));
    return found >= 0 && mend.test(lines[found + 1] ?? '');
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said:\n${said}`);
  });
}

describe('the doctor of a host that is no member, or cannot say that it is,', () => {
  let fleet: Fleet;
  let host: Host;
  beforeAll(async () => {
    fleet = await stage.fleet();
    host = fleet.host('pc-a');
  });

  it('names that', async () => {
    await names(host, /not a member/, /authmesh-agent join/);
    await fleet.join(host);
    const identity = join(host.home, 'identity.json');
    chmodSync(identity, 0o644);
    await names(host, /identity\.json.*(mode|others)/, /chmod/);
    chmodSync(identity, 0o600);
  });

  it('names a configuration that is no JSON, or has a field that nobody knows', async () => {
    const file = join(host.home, 'agent.json');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, '{ "name": ');
    await names(host, /agent\.json is not valid JSON/, /mend/);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(before), custdoy: 'home' }));
    await names(host, /custdoy/, /custody/);
    writeFileSync(file, before);
  });

  it('names a daemon that does not run, and a home that takes no writes', async () => {
    await names(host, /daemon: it does not run/, /service install/);
    const program = join(import.meta.dirname, '../../node_modules/.bin/authmesh-agent');
    const words = ['-c', `ulimit -f 0; exec ${program} doctor --home ${host.home}`];
    const { stdout } = await run('bash', words, { HOME: dirname(host.home) }, host.log);
    expect(stdout.split('\n').slice(0, 6).join('\n')).toMatch(/takes no writes[^\n]*\n\s+→ make room/);
  });
});

describe('the doctor of a host whose daemon runs', () => {
  let fleet: Fleet;
  let a: Host;
  let b: Host;
  let login: Owner;
  beforeAll(async () => {
    ({
      fleet,
      hosts: [a, b],
    } = await stage.hosts('pc-a', 't440'));
    login = owner();
    await share(login, a, b);
  }, 60_000);

  const env = (host: Host) => join(dirname(host.home), 'app.env');
  const storeFile = (host: Host) => join(host.stateDir, 'agents/main/agent/auth-profiles.json');
  const reload = (host: Host) => void process.kill(host.daemon().pid, 'SIGHUP');

  it('has nothing to name where nothing is wrong, and says what that rests on', async () => {
    let said = await firstLines(b);
    await until('all is well', async () => {
      said = await firstLines(b);
      return said.code === 0;
    });
    expect((await b.agent('doctor')).stdout).toMatch(/ok +coordinator: ws:\S+ answers/);
  });

  it('names stores that others may read, that are torn, of a version that nobody knows, and those that were left over', async () => {
    chmodSync(storeFile(b), 0o644);
    await names(b, /others than its owner may read .*auth-profiles\.json \(mode 644\)/, /chmod 600 /);
    chmodSync(storeFile(b), 0o600);
    const kept = readFileSync(storeFile(b), 'utf8');
    writeFileSync(storeFile(b), kept.slice(0, kept.length / 2));
    await names(b, /auth-profiles\.json is left alone/, /put a good copy back/);
    writeFileSync(storeFile(b), kept.replace(/"version": *1/, '"version": 99'));
    await names(b, /auth-profiles\.json is left alone: .*99/, /put a good copy back|mend what it says/);
    writeFileSync(storeFile(b), kept);
    await until('it is read again', async () =>
      (await b.status()).stores.every(({ state }) => state !== 'quarantined'),
    );
  });

  it('names a legacy file beside a database, and a database of a schema that nobody knows', async () => {
    const mac = fleet.host('mac');
    await fleet.join(mac);
    const database = databaseStore(mac.stateDir, '2026.7');
    database.put(login.profile, oauth(login));
    await mac.start();
    const legacy = join(mac.stateDir, 'agents/main/agent/auth-profiles.json');
    writeFileSync(legacy, JSON.stringify({ version: 1, profiles: { 'xai:old': oauth(owner('xai')) } }), {
      mode: 0o600,
    });
    await names(mac, /auth-profiles\.json: /, /keep these logins by hand|nothing was written/);
    rmSync(legacy);
    database.sql('PRAGMA user_version = 99');
    await names(mac, /(openclaw-agent\.sqlite|auth).*(left alone|99)/, /./);
    await mac.stop();
  });

  it('names secrets that differ, that a process has not taken up, that are missing, and that cannot be read', async () => {
    const name = 'INTERNAL_AUTH_SECRET';
    const pidFile = join(dirname(b.home), 'app.pid');
    for (const host of [a, b]) {
      writeFileSync(env(host), `${name}=one\n`);
      host.configure({ secrets: [{ name, from: [{ dotenv: env(host) }] }] });
      reload(host);
    }
    writeFileSync(env(b), `${name}=two\n`);
    await names(b, /differs/, /authmesh-agent secret push/);
    const app = start(
      process.execPath,
      ['-e', 'setInterval(() => {}, 60_000)'],
      { [name]: 'old' },
      join(fleet.folder, 'app.log'),
    );
    try {
      writeFileSync(pidFile, `${app.pid}\n`);
      for (const host of [a, b]) writeFileSync(env(host), `${name}=two\n`);
      b.configure({ secrets: [{ name, from: [{ dotenv: env(b) }, { env: name, pidFile }] }] });
      reload(b);
      await names(b, /is stale in process on t440/, /restart it/);
    } finally {
      await app.stop();
    }
    b.configure({ secrets: [{ name, from: [{ dotenv: env(b) }] }] });
    reload(b);
    writeFileSync(env(b), 'PORT=1\n');
    await names(b, /is missing on t440/, /set it there/);
    rmSync(env(b));
    await names(b, /could not be read on t440 .*no such file/, /take it out of its agent\.json/);
    for (const host of [a, b]) {
      host.configure({ secrets: [] });
      reload(host);
    }
  });

  it('names a login that ended, one that is not known to be one account, and two live logins of one', async () => {
    const [ended, nameless, twice] = [owner('xai'), owner('anthropic'), owner('xai')];
    const { refresh: _, ...bearer } = oauth(ended, -hour);
    b.store().put(ended.profile, bearer);
    await names(b, new RegExp(`/${ended.account}.*(ended|expired)`), /log in|OpenClaw/);
    b.store().remove(ended.profile);
    for (const host of [a, b]) host.store().put(nameless.profile, token(nameless));
    await names(b, new RegExp(`different logins under ${nameless.profile}`), /authmesh-agent link/);
    for (const host of [a, b]) host.store().remove(nameless.profile);
    for (const host of [a, b]) {
      host.store().put(twice.profile, oauth(twice, 3 * hour));
      await until('it is known', async () => (await host.account(twice)) !== undefined);
    }
    await names(b, /two live logins/, /authmesh-agent (explain|restore)/);
    for (const host of [a, b]) host.store().remove(twice.profile);
  });

  it('names logins that this host lacks, a gateway that is not told, and a pool that cannot do what is asked of it', async () => {
    const other = owner('xai');
    a.store().put(other.profile, oauth(other));
    await names(b, new RegExp(`the fleet has .*${other.profile}.*, this host has not`), /authmesh-agent adopt/);
    a.store().remove(other.profile);
    b.configure({ sessions: { main: 5_000 } });
    reload(b);
    await names(b, /5000 sessions|more than pool/, /./);
    b.configure({ sessions: {} });
    reload(b);
  });

  it('names a login on disk that would not survive the next start: its refresh token is spent', async () => {
    const spent = owner('xai');
    const first = await share(spent, a);
    await renew(spent, a);
    await a.stop();
    a.store().put(spent.profile, { ...first, expires: Date.now() - hour });
    await names(a, /daemon: it does not run/, /service install/);
    await names(a, new RegExp(`${spent.profile} in .*(spent|older|restart)`), /./);
    a.store().remove(spent.profile);
    await a.start();
  });

  it('names another agent on the same OpenClaw, and a folder that is not there', async () => {
    const second = fleet.host('second', { environment: { HOME: dirname(b.home) } });
    await fleet.join(second);
    second.configure({ openclaw: { stateDirs: [b.stateDir] } });
    await names(second, /is kept by another agent, with the home/, /stop one of the two/);
    second.configure({ openclaw: { stateDirs: [join(dirname(second.home), 'nowhere')] } });
    await names(second, /nowhere holds no login/, /openclaw\.stateDirs/);
  });

  it('names what is wrong elsewhere, a coordinator that is not to be reached, and one that is another', async () => {
    await a.stop();
    const copy = fleet.host('copy');
    cpSync(b.home, copy.home, { recursive: true, filter: path => !/daemon\.lock|control\./.test(path) });
    const clone = await copy.start('--state-dir', copy.stateDir);
    expect(clone.pid).toBeGreaterThan(0);
    await names(copy, /turns this host’s daemon away/, /./);
    await copy.stop();
    await fleet.coordinator.stop();
    await names(b, /coordinator: .*(refused|reached|answer)/, /start the coordinator/);
    const keys = join(fleet.coordinator.dataDir, 'keys.json');
    renameSync(keys, join(fleet.folder, 'keys.json'));
    await fleet.coordinator.start();
    await names(b, /coordinator: .*(key|another)/, /./);
  });

  it('names a fleet that this host belongs to no more', async () => {
    const other = await stage.fleet();
    const [stays, goes] = [other.host('stays'), other.host('goes')];
    for (const host of [stays, goes]) await other.join(host);
    const kept = join(dirname(goes.home), 'kept');
    cpSync(goes.home, kept, { recursive: true });
    expect((await goes.agent('leave', '--yes')).code).toBe(0);
    // A home that was put back from a backup, say.
    rmSync(goes.home, { recursive: true });
    renameSync(kept, goes.home);
    await names(goes, /coordinator: .*not a member of this fleet/, /join again in a fresh home/);
  });

  it('names a home that belongs to somebody else', async () => {
    const other = await stage.fleet();
    await other.join(other.host('pc-a'));
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent('process.getuid=()=>12345')}`;
    const host = other.host('pc-a', { environment: { NODE_OPTIONS } });
    await names(host, /belongs to user \d+, this is user 12345/, /run authmesh as its owner/);
  });

  it('names a clock that is wrong', async () => {
    const shift = 'const now=Date.now;Date.now=()=>now()-300000';
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(shift)}`;
    const other = await stage.fleet();
    const host = other.host('pc-a', { environment: { NODE_OPTIONS } });
    await other.join(host);
    await host.start();
    await host.online();
    await names(host, /clock is 5 min behind/, /sudo /);
  });
});
