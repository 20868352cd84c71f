import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type Daemon, type Environment, type Outcome, run, start } from './program.ts';
import type { Provider } from './provider.ts';
import { type Release, releases } from './release.ts';
import { readStore, type Store } from './store.ts';

/** What `models status --json` says of one profile. */
export interface ProfileStatus {
  readonly profileId: string;
  readonly status: string;
  readonly expiresAt?: number | undefined;
}

/** A host of the run: a home of its own with a real OpenClaw in it. */
export interface Host {
  readonly name: string;
  readonly home: string;
  readonly stateDir: string;
  /** Names that OpenClaw tried to reach outside this machine. */
  readonly refusedFile: string;
  readonly environment: Environment;
  readonly release: Release;
  openclaw(
    args: readonly string[],
    options?: { readonly input?: string; readonly timeoutMs?: number },
  ): Promise<Outcome>;
  /** A command whose requests to the world outside are never answered. */
  openInSilence(args: readonly string[]): Daemon;
  /** The folder of an agent's own files. */
  agentDir(agent?: Agent): string;
  readStore(agent?: Agent): Promise<Store>;
  /** By OpenClaw's own `models status --json`. */
  status(): Promise<readonly ProfileStatus[]>;
  /** Starts the gateway: by itself, or under a program that is given its command line. */
  startGateway(under?: (command: readonly string[]) => Daemon): Promise<Gateway>;
}

/** A running gateway of a host. */
export interface Gateway {
  readonly daemon: Daemon;
  /** One turn of an agent through the gateway's OpenAI-compatible door; each is a session of its own. */
  turn(agent: Agent): Promise<{ readonly status: number; readonly text: string }>;
  /** Whether it takes a client with this token. */
  accepts(token: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Agents that have a store from the start; the first is OpenClaw's default. */
export const agents = ['main', 'work'] as const;
/** All that the configuration names. */
export const allAgents = [...agents, ...Array.from({ length: 13 }, (_, index) => `a${index + 3}`)];
export type Agent = string;

export const provider = 'qwen-portal';
const gatewayStartMs = 90_000;
const turnMs = 60_000;

/** Makes the home and the configuration of a host whose only provider is the one of the run. */
export async function createHost(
  folder: string,
  name: string,
  release: Release,
  remote: Provider,
  ids: readonly Agent[] = allAgents,
): Promise<Host> {
  const home = join(folder, name);
  const stateDir = join(home, '.openclaw');
  const agentDir = (agent: Agent = 'main'): string => join(stateDir, 'agents', agent, 'agent');
  const refusedFile = join(folder, `${name}.refused`);
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  await mkdir(join(home, 'tmp'), { recursive: true });
  for (const agent of agents) await mkdir(agentDir(agent), { recursive: true, mode: 0o700 });
  await writeFile(
    join(stateDir, 'openclaw.json'),
    JSON.stringify(configuration(home, port, token, remote.url, ids, releases[release.version]?.refreshes), null, 2),
  );
  const environment: Environment = {
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    OPENCLAW_STATE_DIR: stateDir,
    OPENCLAW_NO_RESPAWN: '1',
    OPENCLAW_SKIP_CHANNELS: '1',
    OPENCLAW_SKIP_CRON: '1',
    OPENCLAW_SKIP_CANVAS_HOST: '1',
    OPENCLAW_SKIP_GMAIL_WATCHER: '1',
    OPENCLAW_SKIP_BROWSER_CONTROL_SERVER: '1',
    OPENCLAW_DISABLE_BONJOUR: '1',
    NO_COLOR: '1',
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import ${new URL('./loopback-only.ts', import.meta.url).href}`,
    COMPAT_ISSUER: remote.issuerUrl,
    COMPAT_REFUSED: refusedFile,
  };
  const openclaw: Host['openclaw'] = (args, options = {}) =>
    run(process.execPath, [release.entry, ...args], environment, options);
  return {
    name,
    home,
    stateDir,
    refusedFile,
    environment,
    release,
    openclaw,
    openInSilence: args =>
      start(
        process.execPath,
        [release.entry, ...args],
        { ...environment, COMPAT_SILENT: '1' },
        join(folder, `${name}.silence.log`),
      ),
    agentDir,
    readStore: agent => readStore(join(agentDir(agent), 'auth-profiles.json')),
    status: async () => {
      const outcome = await openclaw(['models', 'status', '--json']);
      if (outcome.code !== 0) throw new Error(`models status on ${name} ended with ${outcome.code}: ${outcome.stderr}`);
      return JSON.parse(outcome.stdout.slice(outcome.stdout.indexOf('{'))).auth.oauth.profiles;
    },
    startGateway: async under => {
      const args = [release.entry, 'gateway', 'run'];
      const daemon =
        under?.([process.execPath, ...args]) ?? start(process.execPath, args, environment, join(folder, `${name}.log`));
      await daemon.line(/listening on ws:|\[gateway\] ready/, gatewayStartMs);
      return {
        daemon,
        turn: agent => turn(port, token, agent),
        accepts: async other => {
          const { status } = await turn(port, other, 'main');
          if (status >= 500) throw new Error(`the gateway answers ${status}`);
          return status !== 401;
        },
        stop: () => daemon.stop(),
      };
    },
  };
}

function configuration(
  home: string,
  port: number,
  token: string,
  baseUrl: string,
  ids: readonly Agent[],
  plugin: string | undefined,
): object {
  const model = { id: 'm1', name: 'm1', reasoning: false, input: ['text'], contextWindow: 200_000, maxTokens: 1_000 };
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  return {
    update: { checkOnStart: false },
    logging: { file: join(home, 'openclaw.log') },
    plugins: plugin === undefined ? { enabled: false } : { enabled: true, allow: [plugin] },
    gateway: {
      mode: 'local',
      port,
      bind: 'loopback',
      auth: { mode: 'token', token },
      http: { endpoints: { chatCompletions: { enabled: true } } },
    },
    agents: {
      defaults: {
        model: { primary: `${provider}/m1` },
        workspace: join(home, 'workspace'),
        skipBootstrap: true,
        heartbeat: { every: '0m' },
        // What comes back at once is for authmesh to bound.
        maxConcurrent: allAgents.length,
      },
      list: ids.map(id => ({ id })),
    },
    models: {
      providers: {
        // A key is demanded by the schema; a profile goes before it, and on the wire it would give itself away.
        [provider]: { baseUrl, apiKey: 'unused', api: 'openai-completions', models: [{ ...model, cost }] },
      },
    },
  };
}

async function turn(port: number, token: string, agent: Agent): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      // A gateway that starts again waits for connections that are kept open (2026.4.9).
      connection: 'close',
      // Around 2026.3.28 the owner's token alone may not start a turn.
      'x-openclaw-scopes': 'operator.write',
    },
    body: JSON.stringify({ model: `openclaw:${agent}`, messages: [{ role: 'user', content: 'Say ok.' }] }),
    signal: AbortSignal.timeout(turnMs),
  });
  return { status: response.status, text: await response.text() };
}
