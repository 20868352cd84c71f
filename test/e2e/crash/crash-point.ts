import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AgentStep } from '@authmesh/agent/running-agent';
import type { CommitStep } from '@authmesh/coordinator/io/persisting';

/** The file in a program's home folder that says where it dies, and of what. */
export const crashFile = 'crash-at';

/** `words`: of a fault of its own that quotes them, as one deep in a library might; else of SIGKILL. */
export interface Crash {
  readonly step: string;
  readonly words?: string | undefined;
}

/** Has the program whose home folder this is die at a step, once. */
export function dieAt(folder: string, step: AgentStep | CommitStep): void {
  writeFileSync(join(folder, crashFile), JSON.stringify({ step } satisfies Crash));
}

/** Ends this process at the step that the crash file names; the file goes first, so that the next run lives. */
export function crashPoint(): (step: string) => void {
  const file = join(homedir(), crashFile);
  return step => {
    if (!existsSync(file)) return;
    const crash = JSON.parse(readFileSync(file, 'utf8')) as Crash;
    if (crash.step !== step) return;
    rmSync(file);
    const { words } = crash;
    if (words === undefined) process.kill(process.pid, 'SIGKILL');
    else
      setImmediate(() => {
        throw new Error(words);
      });
  };
}
