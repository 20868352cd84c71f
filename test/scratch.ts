import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every test's temporary files are in one folder, which goes when the last has run. Short, for sockets have paths of 104 bytes. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'am-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
