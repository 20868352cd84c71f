import { existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The file in a program's home folder that names the step at which it dies. */
export const crashFile = 'crash-at';

/** Ends this process with SIGKILL at the step that the crash file names; the file goes first, so that the next run lives. */
export function crashPoint(): (step: string) => void {
  const file = join(homedir(), crashFile);
  return step => {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== step) return;
    rmSync(file);
    process.kill(process.pid, 'SIGKILL');
  };
}
