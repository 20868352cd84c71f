import { readFileSync } from 'node:fs';
import { errorCode } from './store-file.ts';

/** Whether a process with this id runs on this host, whoever owns it. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Linux counts a process's start in these, whatever the kernel's own tick. */
const ticksPerSecond = 100;
/** `/proc/stat` gives the boot in whole seconds. */
const slackMs = 3_000;

/** Whether it has ended and only waits for its parent to look; false where the system does not tell. */
export function isZombie(pid: number): boolean {
  return readRecord(pid)?.[0] === 'Z';
}

/** When the process started, in ticks since the boot; undefined where the system does not tell. */
export function startTicks(pid: number): number | undefined {
  const ticks = Number(readRecord(pid)?.[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}

/**
 * Whether the process that has `pid` now started after `at`, so that it cannot be the one that was meant: ids are
 * used again, most of all in containers. False where the system does not tell.
 */
export function startedAfter(pid: number, at: number): boolean {
  try {
    const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    const ticks = startTicks(pid);
    if (boot === undefined || ticks === undefined) return false;
    return Number(boot) * 1_000 + (ticks * 1_000) / ticksPerSecond > at + slackMs;
  } catch {
    return false;
  }
}

/** What Linux says of a process, from its state on. The name before that stands in parentheses and may hold anything. */
function readRecord(pid: number): readonly string[] | undefined {
  try {
    const record = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return record.slice(record.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
