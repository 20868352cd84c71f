import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemErrorCode } from './errors.ts';

const run = promisify(execFile);

/** Names one process so that its number, used again by another after it died, is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in whatever form the system tells it; null where it does not. */
  readonly startedAt: string | null;
  /** The boot and the process namespace in which `pid` means anything; null where the system has neither. */
  readonly realm: string | null;
}

/** Who this process is. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startedAt: await startOf(process.pid), realm: await ownRealm() };
}

/**
 * Whether that very process still lives here. A process of another boot or another container is unknown to this
 * system and counts as dead; what guards against a living one there is the control socket, which containers share.
 */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.realm !== (await ownRealm())) return false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if (systemErrorCode(error) !== 'EPERM') return false;
  }
  const startedAt = await startOf(identity.pid);
  return identity.startedAt === null || startedAt === null || startedAt === identity.startedAt;
}

async function ownRealm(): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in the second field may hold spaces and brackets; the fields after its last bracket do not.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    if (process.platform === 'linux') return null;
  }
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { ...process.env, LC_ALL: 'C' } });
    return stdout.trim() || null;
  } catch {
    return null;
  }
}
