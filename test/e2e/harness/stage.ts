import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { type Coordinator, createCoordinator, readLog } from './coordinator.ts';
import { createHost, type Host, type HostOptions } from './host.ts';
import type { Outcome } from './program.ts';

export interface Fleet {
  readonly folder: string;
  readonly coordinator: Coordinator;
  /** A host that is no member yet. */
  host(name: string, options?: Omit<HostOptions, 'folder' | 'name'>): Host;
  /** Makes the host a member by a code of the first one, or by the founding code. */
  join(host: Host, ...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface Stage {
  /** A folder that goes when the test has passed, and what runs in it ends with the test. */
  fleet(options?: { readonly coordinator?: Partial<Parameters<typeof createCoordinator>[0]> }): Promise<Fleet>;
  /** A fleet of running hosts. */
  hosts<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ readonly fleet: Fleet; readonly hosts: { readonly [Index in keyof Names]: Host } }>;
}

/**
 * Fields for hosts whose stores keep their pairs, and which refresh nothing: what becomes of a pair is seen where it stays as
 * its owner put it there.
 */
export const ownRefreshing = { custody: { 'google*': 'copy', '*': 'home' }, refresh: { enabled: false } } as const;

export interface StageOptions {
  /** Fields of every host's `agent.json` besides those that joining writes. */
  readonly agent?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Registers the hooks of a test file. What a test starts ends with that test, what `beforeAll` starts with the file,
 * by process id and whatever happened; a failure prints the logs of all of it, and its folder stays.
 */
export function useStage({ agent = {} }: StageOptions = {}): Stage {
  const shared: Fleet[] = [];
  const own: Fleet[] = [];
  let isInTest = false;
  let hasFailed = false;

  beforeEach(() => {
    isInTest = true;
  });
  afterEach(async ({ task }) => {
    isInTest = false;
    const fleets = own.splice(0);
    for (const fleet of fleets) await fleet.stop();
    if (task.result?.state === 'fail') {
      hasFailed = true;
      for (const fleet of [...shared, ...fleets]) printLogs(task.name, fleet.folder);
    } else {
      for (const fleet of fleets) rmSync(fleet.folder, { recursive: true, force: true });
    }
  });
  afterAll(async () => {
    for (const fleet of shared) await fleet.stop();
    if (!hasFailed) for (const fleet of shared) rmSync(fleet.folder, { recursive: true, force: true });
  });

  async function makeFleet({ coordinator: options = {} }: Parameters<Stage['fleet']>[0] = {}): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), 'authmesh-e2e-'));
    const coordinator = createCoordinator({ folder, ...options });
    const hosts: Host[] = [];
    const fleet: Fleet = {
      folder,
      coordinator,
      host(name, more = {}) {
        const host = createHost({ folder, name, ...more });
        hosts.push(host);
        return host;
      },
      async join(host, ...args) {
        const outcome = await host.agent(
          ...['join', await nextCode(), '--name', host.name, '--state-dir', host.stateDir, ...args],
        );
        need(outcome, `${host.name} joins`);
        host.configure(agent);
        members.push(host);
      },
      async stop() {
        await Promise.all(hosts.map(host => host.stop()));
        await coordinator.stop();
      },
    };
    const members: Host[] = [];
    let invited: string | undefined;
    const nextCode = async (): Promise<string> => {
      const [inviter] = members;
      if (!inviter) return coordinator.foundingCode() ?? '';
      invited ??= (await inviter.json<{ code: string }>('invite', '--uses', '50', '--ttl', '1h')).document.code;
      return invited;
    };
    (isInTest ? own : shared).push(fleet);
    await coordinator.start('--log-level', 'debug');
    return fleet;
  }

  return {
    fleet: makeFleet,
    async hosts(...names) {
      const fleet = await makeFleet();
      const hosts: Host[] = [];
      for (const name of names) {
        const host = fleet.host(name);
        await fleet.join(host);
        await host.start('--log-level', 'debug');
        hosts.push(host);
      }
      await Promise.all(hosts.map(host => host.online()));
      return { fleet, hosts: hosts as unknown as { readonly [Index in keyof typeof names]: Host } };
    },
  };
}

/** A command that a test's set-up depends on. */
export function need(outcome: Outcome, what: string): Outcome {
  if (outcome.code !== 0) throw new Error(`${what}: exit ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}

function printLogs(test: string, folder: string): void {
  const logs = readdirSync(folder).filter(name => name.endsWith('.log'));
  const texts = logs.map(name => `--- ${join(folder, name)}\n${readLog(join(folder, name)).slice(-12_000)}`);
  process.stderr.write(`\n"${test}" failed; its folder ${folder} is kept.\n${texts.join('\n')}\n`);
}
