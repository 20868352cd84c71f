import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driftKey, fingerprintDrift } from '@authmesh/shared/crypto/fingerprint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretDeclarations, withPlaces } from '../formats/secret-declaration.ts';
import { createSecretReader } from './secret-reader.ts';

const key = driftKey(new Uint8Array(32));
const print = (value: string) => fingerprintDrift(key, value);
const read = createSecretReader(print);
const never = new AbortController().signal;

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-secrets-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

function lookAt(from: object, name = 'SECRET', signal = never) {
  const [declaration] = secretDeclarations.parse([{ name, from }]);
  if (!declaration) throw new Error('no declaration');
  return read(withPlaces(declaration, []), signal);
}
const exact = (value: string) => [{ found: { state: 'read', exact: print(value) } }];

/** A real process with this variable, under a name of its own. */
async function startProcess(name: string, value: string): Promise<ChildProcess> {
  const script = join(folder, `${name}.mjs`);
  await writeFile(script, 'process.stdout.write("up"); setInterval(() => {}, 60_000);');
  const child = spawn(process.execPath, [script], {
    env: { SECRET: value },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  if (child.stdout) await once(child.stdout, 'data');
  return child;
}

describe('the secret reader', () => {
  it('makes keyed fingerprints, of the value as it stands and of what is left without its dress', async () => {
    const path = join(folder, '.env');
    await writeFile(path, 'SECRET="hunter2"\r\n');
    expect(await lookAt({ dotenv: path, as: 'railway' })).toEqual([
      {
        name: 'SECRET',
        group: undefined,
        place: 'railway',
        source: path,
        kind: 'stored',
        found: {
          state: 'read',
          exact: print('"hunter2"\r'),
          loose: print('hunter2'),
          forms: ['quotes', 'line ends'],
        },
      },
    ]);
    expect(JSON.stringify(await lookAt({ dotenv: path }))).not.toContain('hunter2');
    expect(print('hunter2')).not.toBe(fingerprintDrift(driftKey(new Uint8Array(32).fill(1)), 'hunter2'));
  });

  it('reads what a pointer names in a JSON file', async () => {
    const path = join(folder, 'a.json');
    await writeFile(path, JSON.stringify({ 'a/b': { '~': ['x', 7] }, none: null }));
    expect(await lookAt({ json: path, pointer: '/a~1b/~0/0' })).toMatchObject(exact('x'));
    expect(await lookAt({ json: path, pointer: '/a~1b/~0/1' })).toMatchObject(exact('7'));
    expect(await lookAt({ json: path, pointer: '/none' })).toMatchObject([{ found: { state: 'missing' } }]);
    expect(await lookAt({ json: path, pointer: '/a~1b' })).toMatchObject([
      { found: { state: 'unreadable', why: 'what /a~1b names is no text' } },
    ]);
    await writeFile(path, '{"hunter2');
    expect(await lookAt({ json: path, pointer: '/a' })).toMatchObject([
      { found: { state: 'unreadable', why: 'it is no JSON' } },
    ]);
  });

  it('runs a command without a shell, and tells how it failed', async () => {
    const node = process.execPath;
    const print1 = ['-e', 'console.log(JSON.stringify({ A: process.argv[1] }))', '$(id)'];
    expect(await lookAt({ command: [node, ...print1], pointer: '/A' })).toMatchObject(exact('$(id)'));
    expect(await lookAt({ command: 'printf "a b\\n"', shell: true })).toMatchObject(exact('a b'));
    const failing = await lookAt({ command: [node, '-e', 'console.error("hunter2"); process.exit(3)'] });
    expect(failing).toMatchObject([{ source: 'node', found: { why: 'node ended with status 3' } }]);
    expect(JSON.stringify(await lookAt({ command: ['printf', 'hunter2'] }))).not.toContain('hunter2');
    expect(await lookAt({ command: ['printf', '\0'] })).toMatchObject([{ found: { state: 'unreadable' } }]);
    expect(await lookAt({ command: ['no-such-program-here', 'variables', '--token=hunter2'] })).toMatchObject([
      {
        source: 'no-such-program-here',
        found: { state: 'unreadable', why: 'no-such-program-here is not on this host’s PATH' },
      },
    ]);
    const slow = ['-e', 'setInterval(() => {}, 1000)'];
    expect(await lookAt({ command: [node, ...slow], timeoutSeconds: 1 })).toMatchObject([
      { found: { state: 'unreadable', why: 'node did not end within 1 s' } },
    ]);
    const ending = new AbortController();
    const reading = lookAt({ command: [node, ...slow], timeoutSeconds: 120 }, 'SECRET', ending.signal);
    ending.abort();
    // It may have been asked to end before it had begun.
    expect(await reading).toMatchObject([{ found: { state: 'unreadable' } }]);
  });

  it('reads the environment of a live process, by name and by the file of its id', async () => {
    const name = `claw-${process.pid}`;
    const child = await startProcess(name, 'old');
    const source = `process ${name} (pid ${child.pid})`;
    expect(await lookAt({ env: 'SECRET', process: name })).toMatchObject([
      { source, kind: 'process', found: { state: 'read', exact: print('old') } },
    ]);
    expect(await lookAt({ env: 'OTHER', process: `${name}.mjs` })).toMatchObject([{ found: { state: 'missing' } }]);
    const pidFile = join(folder, 'claw.pid');
    await writeFile(pidFile, `${child.pid}\n`);
    expect(await lookAt({ env: 'SECRET', pidFile })).toMatchObject(exact('old'));
    const second = await startProcess(name, 'new');
    const both = await lookAt({ env: 'SECRET', process: name });
    expect(both.map(one => one.found)).toMatchObject([{ exact: print('old') }, { exact: print('new') }]);
    expect(both[1]?.source).toContain(`${second.pid}`);
  });

  it('says so where no such process runs', async () => {
    expect(await lookAt({ env: 'SECRET', process: 'no-such-process' })).toMatchObject([
      {
        source: 'process no-such-process',
        found: { state: 'unreadable', why: 'process no-such-process does not run' },
      },
    ]);
    const pidFile = join(folder, 'none.pid');
    expect(await lookAt({ env: 'SECRET', pidFile })).toMatchObject([
      { found: { state: 'unreadable', why: 'its file: there is no such file' } },
    ]);
  });
});

describe('a declaration', () => {
  const problem = (declaration: object) => secretDeclarations.safeParse([declaration]).error?.issues[0]?.message;

  it('says where a value is read, in one way', () => {
    const from = { dotenv: '.env' };
    expect(problem({ name: 'A', from })).toBeUndefined();
    expect(problem({ name: 'A', from: [from, { env: 'A', unit: 'app.service' }] })).toBeUndefined();
    const one = 'expected one of "dotenv", "json", "env", "command" and "gateway", which says where the value is read';
    const all = (declaration: object) => JSON.stringify(secretDeclarations.safeParse([declaration]).error?.issues);
    expect(all({ name: 'A', from: {} })).toContain(JSON.stringify(one).slice(1, -1));
    expect(all({ name: 'A', from: { ...from, env: 'A' } })).toContain(JSON.stringify(one).slice(1, -1));
    expect(all({ name: 'A', from: { env: 'A' } })).toContain('whose environment is meant');
    expect(all({ name: 'A', from: { command: 'railway variables' } })).toContain('with \\"shell\\": true');
    expect(problem({ name: '', from })).toBeDefined();
  });

  it('names each secret of a group once', () => {
    const [one, other] = [
      { name: 'A', from: { dotenv: '.env' } },
      { name: 'A', group: 'staging', from: { dotenv: '.env' } },
    ];
    expect(secretDeclarations.safeParse([one, other]).success).toBe(true);
    expect(secretDeclarations.safeParse([one, one]).error?.issues[0]).toMatchObject({
      path: [1, 'name'],
      message: 'expected each secret once',
    });
  });

  it('names a key for a dotenv file that cannot hold its own', () => {
    const parse = (to: object) =>
      secretDeclarations.safeParse([{ name: 'my key', from: { dotenv: '.env', key: 'A' }, to }]).error?.issues;
    expect(parse({ dotenv: '.env' })).toMatchObject([{ path: [0, 'to'], message: expect.stringContaining('"key"') }]);
    expect(parse([{ dotenv: '.env', key: 'MY_KEY' }])).toBeUndefined();
  });
});
