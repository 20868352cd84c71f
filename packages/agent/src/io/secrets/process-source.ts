import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { systemErrorCode, systemReason } from '@authmesh/shared/node/errors';
import { isZombie } from '../process-liveness.ts';
import { fileTrouble, type Lookup, lookedUp } from './lookup.ts';

const run = promisify(execFile);

/** Whose environment is meant: the process of a file, of a unit of systemd, or all of one name. */
export type ProcessChoice = { readonly pidFile: string } | { readonly unit: string } | { readonly process: string };

const systemctlMs = 5_000;
/** Process ids that one source names, and values that it tells apart. */
const pidsNamed = 5;
const valuesMax = 8;

/** Reads a variable of running processes: one lookup for each value that they have. */
export async function readProcesses(variable: string, choice: ProcessChoice): Promise<Lookup[]> {
  const source = nameOf(choice);
  const unreadable = (why: string): Lookup[] => [{ source, kind: 'process', state: 'unreadable', why }];
  if (process.platform !== 'linux') return unreadable('this system does not show the environment of another process');
  const found = await pidsOf(choice);
  if ('why' in found) return unreadable(found.why);
  const byOutcome = new Map<string, { readonly pids: number[]; readonly outcome: Lookup }>();
  for (const pid of found.pids) {
    const outcome = await readEnvironment(pid, variable, source);
    if (!outcome) continue;
    const key = JSON.stringify(outcome);
    const group = byOutcome.get(key) ?? { pids: [], outcome };
    group.pids.push(pid);
    byOutcome.set(key, group);
  }
  if (byOutcome.size === 0) return unreadable(`${source} does not run`);
  return [...byOutcome.values()].slice(0, valuesMax).map(({ pids, outcome }) => ({
    ...outcome,
    source: `${source} (pid ${pids.slice(0, pidsNamed).join(', ')}${pids.length > pidsNamed ? ', …' : ''})`,
  }));
}

function nameOf(choice: ProcessChoice): string {
  if ('pidFile' in choice) return `the process of ${choice.pidFile.slice(-120)}`;
  return 'unit' in choice ? `unit ${choice.unit.slice(0, 120)}` : `process ${choice.process.slice(0, 120)}`;
}

async function pidsOf(choice: ProcessChoice): Promise<{ readonly pids: readonly number[] } | { readonly why: string }> {
  if ('process' in choice) return { pids: await pidsByName(choice.process) };
  if ('unit' in choice) return mainPidOf(choice.unit);
  try {
    const pid = Number(/\d+/.exec(await readFile(choice.pidFile, 'utf8'))?.[0]);
    return Number.isSafeInteger(pid) ? { pids: [pid] } : { why: `${choice.pidFile.slice(-120)} holds no process id` };
  } catch (error) {
    return { why: `its file: ${fileTrouble(error)}` };
  }
}

/** Of the user's own services, else of the system's. */
async function mainPidOf(unit: string): Promise<{ readonly pids: readonly number[] } | { readonly why: string }> {
  let trouble: string | undefined;
  for (const scope of [['--user'], []]) {
    try {
      const args = [...scope, 'show', '-p', 'MainPID', '--value', '--', unit];
      const { stdout } = await run('systemctl', args, { timeout: systemctlMs });
      const pid = Number(stdout.trim());
      if (pid > 0) return { pids: [pid] };
      trouble = undefined;
    } catch (error) {
      trouble ??= systemErrorCode(error) === 'ENOENT' ? 'there is no systemctl here' : 'systemctl does not answer';
    }
  }
  return trouble === undefined ? { pids: [] } : { why: trouble };
}

async function pidsByName(name: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid) || pid === process.pid || isZombie(pid)) continue;
    if ((await namesOf(pid)).includes(name)) pids.push(pid);
  }
  return pids;
}

/** A program's own name, and that of the script that it runs, with its extension and without. */
async function namesOf(pid: number): Promise<string[]> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const [program, script] = (await read('cmdline')).split('\0').map(word => basename(word));
  const names = [(await read('comm')).trimEnd(), program, script]
    .filter(one => one !== undefined)
    .filter(one => one !== '');
  return names.flatMap(one => [one, one.replace(/\.[cm]?[jt]s$/, '')]);
}

/** Undefined: it has ended. */
async function readEnvironment(pid: number, variable: string, source: string): Promise<Lookup | undefined> {
  const place = { source, kind: 'process' } as const;
  try {
    const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    const found = variables.find(one => one.startsWith(`${variable}=`));
    return lookedUp(place, found?.slice(variable.length + 1));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    const why =
      code === 'EACCES' || code === 'EPERM' ? 'this user may not see the environment of it' : systemReason(error);
    return { ...place, state: 'unreadable', why };
  }
}
