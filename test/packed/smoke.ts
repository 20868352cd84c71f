import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { need, run } from './command.ts';
import { environmentFor, installedVersion, type Runtime } from './runtime.ts';

const waitMs = 30_000;
const programs = ['authmesh-agent', 'authmesh-coordinator'] as const;
const profile = 'openai-codex:default';

/** `--version` and `--help` of both programs on a Node that they support. */
export async function checkCommands(installed: string, runtime: Runtime, home: string): Promise<void> {
  const options = { cwd: home, environment: environmentFor(runtime, home) };
  for (const program of programs) {
    const file = join(installed, 'node_modules', '.bin', program);
    const version = (await need(file, ['--version'], options)).trim();
    const expected = await installedVersion(installed, `@authmesh/${program.replace('authmesh-', '')}`);
    if (version !== expected) throw new Error(`${program} --version says ${version} where ${expected} is installed`);
    const help = await need(file, ['--help'], options);
    if (!help.includes(`Usage: ${program}`)) throw new Error(`${program} --help does not show its usage`);
  }
}

/** On a Node that is too old both say in one sentence what they need, and end with 78. */
export async function checkRefusal(installed: string, runtime: Runtime, home: string): Promise<void> {
  const options = { cwd: home, environment: environmentFor(runtime, home) };
  for (const program of programs) {
    for (const argument of ['--version', 'run']) {
      const outcome = await run(join(installed, 'node_modules', '.bin', program), [argument], options);
      const lines = outcome.stderr.trim().split('\n');
      const isSaid = lines.length === 1 && lines[0]?.includes('needs Node 22.22 or newer') === true;
      if (outcome.code !== 78 || outcome.stdout !== '' || !isSaid)
        throw new Error(
          `${program} ${argument} on Node ${runtime.version} ended with ${outcome.code}: ${outcome.stdout}${outcome.stderr}`,
        );
    }
  }
}

/** A coordinator, two agents, and a token that is changed on one and read on the other; the milliseconds that this took. */
export async function checkSync(installed: string, runtime: Runtime, folder: string): Promise<number> {
  const children: ChildProcess[] = [];
  let talk = '';
  const bin = (program: string) => join(installed, 'node_modules', '.bin', program);
  const start = (program: string, args: readonly string[], home: string) => {
    const environment = environmentFor(runtime, home);
    const child = spawn(bin(program), args, { cwd: home, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr?.on('data', chunk => {
      talk += String(chunk);
    });
    children.push(child);
    return child;
  };
  const agent = (home: string, ...args: string[]) =>
    need(bin('authmesh-agent'), args, { cwd: home, environment: environmentFor(runtime, home) });
  try {
    const central = join(folder, 'central');
    await mkdir(central);
    const coordinator = start(
      'authmesh-coordinator',
      ['run', '--listen', '127.0.0.1:0', '--json', '--log-level', 'warn'],
      central,
    );
    const { foundingCode } = JSON.parse(await firstLine(coordinator));
    const one = await createHost(folder, 'one');
    const two = await createHost(folder, 'two');
    await writeLogin(one.store);
    await writeLogin(two.store, -60_000);
    await agent(one.home, 'join', foundingCode, '--name', 'one');
    start('authmesh-agent', ['run', '--log-level', 'error'], one.home).stdout?.resume();
    const { code } = JSON.parse(await agent(one.home, 'invite', '--json'));
    await agent(two.home, 'join', code, '--name', 'two');
    start('authmesh-agent', ['run', '--log-level', 'error'], two.home).stdout?.resume();
    await awaitToken(two.store, await readToken(one.store));
    const begun = performance.now();
    await awaitToken(two.store, await writeLogin(one.store));
    const tookMs = performance.now() - begun;
    // Node 22 warns of its SQLite unless it is told not to: an operator can do nothing about that.
    if (/warning/i.test(talk)) throw new Error('a program lets a warning of Node through');
    return tookMs;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${talk}`);
  } finally {
    for (const child of children.reverse()) await stop(child);
  }
}

async function createHost(folder: string, name: string): Promise<{ readonly home: string; readonly store: string }> {
  const home = join(folder, name);
  const directory = join(home, '.openclaw', 'agents', 'main', 'agent');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return { home, store: join(directory, 'auth-profiles.json') };
}

/** Puts a new login into a store, as OpenClaw does; its access token. */
async function writeLogin(store: string, lifeMs = 86_400_000): Promise<string> {
  const token = () => randomBytes(24).toString('base64url');
  const login = { access: token(), refresh: token(), expires: Date.now() + lifeMs };
  const profiles = { [profile]: { type: 'oauth', provider: 'openai-codex', ...login, accountId: 'acct_packed' } };
  await writeFile(`${store}.new`, JSON.stringify({ version: 1, profiles }, null, 2), { mode: 0o600 });
  await rename(`${store}.new`, store);
  return login.access;
}

async function readToken(store: string): Promise<string> {
  return JSON.parse(await readFile(store, 'utf8')).profiles[profile].access;
}

async function awaitToken(store: string, token: string): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    if ((await readToken(store)) === token) return;
    await wait(10);
  }
  throw new Error(`${store} did not get the login of the other host in ${waitMs / 1_000} s`);
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error('the coordinator ended before it listened');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}
