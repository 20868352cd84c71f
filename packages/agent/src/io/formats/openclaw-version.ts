import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** The first release that keeps logins in SQLite: a JSON store beside it stops every command of later ones. */
const sqliteRelease = [2026, 6, 5] as const;

const openclawConfig = z.object({ meta: z.object({ lastTouchedVersion: z.string().max(64) }) });

/** The OpenClaw that last wrote the state directory's `openclaw.json`, when it says so. */
export async function readVersion(stateDir: string): Promise<string | undefined> {
  try {
    const read = openclawConfig.safeParse(JSON.parse(await readFile(join(stateDir, 'openclaw.json'), 'utf8')));
    return read.success ? read.data.meta.lastTouchedVersion : undefined;
  } catch {
    return undefined;
  }
}

/** Why no JSON store may be created there: only a release that is known to read one gets one. */
export function creationRefusal(stateDir: string, version: string | undefined): string | undefined {
  if (version === undefined) {
    return `${stateDir} has no login yet and does not say its OpenClaw's version: log in there once with OpenClaw itself`;
  }
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const order = parts ? compareVersions(parts, sqliteRelease) : undefined;
  if (order !== undefined && order < 0) return undefined;
  return `${stateDir} belongs to OpenClaw ${version}, which keeps its logins in SQLite: log in there once with OpenClaw itself`;
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (const [index, part] of b.entries()) {
    const difference = (a[index] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}
