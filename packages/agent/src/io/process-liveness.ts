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

/**
 * Whether the process that has `pid` now started after `at`, so that it cannot be the one that was meant: ids are
 * used again, most of all in containers. False where the system does not tell.
 */
export function startedAfter(pid: number, at: number): boolean {
  try {
    const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    const record = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in parentheses that may hold anything; the start is the 20th after it.
    const ticks = record.slice(record.lastIndexOf(')') + 2).split(' ')[19];
    if (boot === undefined || ticks === undefined) return false;
    return Number(boot) * 1_000 + (Number(ticks) * 1_000) / ticksPerSecond > at + slackMs;
  } catch {
    return false;
  }
}
