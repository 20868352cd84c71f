import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopbackAlone } from '../loopback.ts';
import type { Host } from './host.ts';
import { type Daemon, type Environment, type Outcome, run, start } from './program.ts';

const programs =
  process.env.AUTHMESH_COMPAT_PROGRAMS ?? fileURLToPath(new URL('../../node_modules/.bin/', import.meta.url));
const startMs = 30_000;
/** What authmesh has by itself where nobody says anything. */
export const pool = { name: 'web', match: ['*'], limit: 4, settleSeconds: 20 };

/** A coordinator and an agent on each host, run by their public commands alone. */
export interface Fleet {
  agent(host: Host, args: readonly string[]): Promise<Outcome>;
  /** Runs a command of the host's owner under `exec`, in the pool of all its logins. */
  exec(host: Host, sessions: number, command: readonly string[]): Daemon;
  /** Changes fields of every host's `agent.json`, and has the agents read it. */
  configure(fields: object): Promise<void>;
  /** What both programs said, for a failure's message. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts a coordinator, and founds a fleet on the first host that the others join. */
export async function startFleet(folder: string, hosts: readonly Host[]): Promise<Fleet> {
  const daemons: Daemon[] = [];
  const agents: Daemon[] = [];
  const output = (): string => daemons.map(daemon => daemon.output()).join('\n');
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.splice(0).reverse()) await daemon.stop();
  };
  try {
    const dataDir = join(folder, 'coordinator');
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, 'coordinator.json'), JSON.stringify({ pools: [pool] }), { mode: 0o600 });
    const coordinator = start(
      `${programs}authmesh-coordinator`,
      ['run', '--listen', '127.0.0.1:0', '--data-dir', dataDir, '--json'],
      { HOME: folder },
      join(folder, 'coordinator.log'),
    );
    daemons.push(coordinator);
    let code: string = JSON.parse(await coordinator.line(/"event":"listening"/, startMs)).foundingCode;
    for (const [index, host] of hosts.entries()) {
      if (index > 0) code = JSON.parse(need(await agent(hosts[0] ?? host, ['invite', '--json'])).stdout).code;
      need(await agent(host, ['join', code, '--name', host.name, '--state-dir', host.stateDir]));
      await configureHost(host, ownRefreshing);
      agents.push(
        start(
          `${programs}authmesh-agent`,
          ['run', '--home', agentHome(host)],
          environment(host),
          `${agentHome(host)}.log`,
        ),
      );
      daemons.push(...agents.slice(-1));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const exec = (host: Host, sessions: number, command: readonly string[]): Daemon => {
    const args = [
      'exec',
      '--home',
      agentHome(host),
      '--pool',
      pool.name,
      '--sessions',
      `${sessions}`,
      '--',
      ...command,
    ];
    const daemon = start(`${programs}authmesh-agent`, args, host.environment, `${agentHome(host)}.exec.log`);
    daemons.push(daemon);
    return daemon;
  };
  const configure = async (fields: object): Promise<void> => {
    for (const [index, host] of hosts.entries()) {
      await configureHost(host, fields);
      process.kill(agents[index]?.pid ?? 0, 'SIGHUP');
    }
  };
  return { agent, exec, configure, output, stop };
}

/** What is looked at first is OpenClaw's own refreshing: it needs its refresh token, and nobody beside it who uses it. */
const ownRefreshing = { custody: { 'google*': 'copy', '*': 'home' }, refresh: { enabled: false } };

function agent(host: Host, args: readonly string[]): Promise<Outcome> {
  return run(`${programs}authmesh-agent`, [...args, '--home', agentHome(host)], environment(host));
}

/** As the host's owner says how OpenClaw is started there. */
async function configureHost(host: Host, fields: object): Promise<void> {
  const file = join(agentHome(host), 'agent.json');
  const { openclaw, ...rest } = JSON.parse(await readFile(file, 'utf8'));
  const command = `${process.execPath} ${host.release.entry}`;
  await writeFile(file, JSON.stringify({ ...rest, ...fields, openclaw: { ...openclaw, command } }), { mode: 0o600 });
}

function agentHome(host: Host): string {
  return join(host.home, '.authmesh');
}

/** As the host's owner would run it: OpenClaw's folder is found by its own variable. */
function environment(host: Host): Environment {
  return { HOME: host.home, OPENCLAW_STATE_DIR: host.stateDir, ...loopbackAlone };
}

function need(outcome: Outcome): Outcome {
  if (outcome.code !== 0) throw new Error(`an authmesh command ended with ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}
