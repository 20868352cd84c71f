import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AuthmeshError } from './errors.ts';

/** The oldest Node that both programs run on. */
export const nodeVersionMin = '22.22';

let known: string | undefined;

/** The version of this package; agent and coordinator are released in lockstep with it. */
export function packageVersion(): string {
  known ??= readVersion();
  return known;
}

/** `package.json` stands two levels above this file, in `src` as in `dist`. */
function readVersion(): string {
  const file = fileURLToPath(new URL('../../package.json', import.meta.url));
  const { version }: { version?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof version !== 'string') throw new TypeError(`${file} has no version`);
  return version;
}

/** Whether the version `found` (`v22.22.1`) is at least `nodeVersionMin`. */
export function isSupportedNode(found: string): boolean {
  const [major = 0, minor = 0] = found.replace(/^v/, '').split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = nodeVersionMin.split('.').map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

/** Throws the operator's error when this Node is too old. Call it before anything that needs a newer one is imported. */
export function requireNode(found: string = process.versions.node): void {
  if (isSupportedNode(found)) return;
  throw new AuthmeshError(
    'ERR_NODE_VERSION',
    `authmesh needs Node ${nodeVersionMin} or newer, this is ${found.replace(/^v/, '')}`,
    { hint: 'install a newer Node from https://nodejs.org and run the command again' },
  );
}
