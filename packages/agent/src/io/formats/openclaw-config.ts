import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenaiName } from '@authmesh/agent/core/naming';
import { z } from 'zod';

/** The first release that keeps logins in SQLite: a JSON store beside it stops every command of later ones. */
const sqliteRelease = [2026, 6, 5] as const;

/** The first release whose gateway does not look at its stores at every turn. */
const rememberingRelease = [2026, 2, 26] as const;

/** The first release after that which reads its store anew before it refreshes. */
const rereadingRelease = [2026, 4, 9] as const;

/** The first release that calls OpenAI's subscription logins `openai`. */
const openaiRelease = [2026, 6, 1] as const;

const versionField = z.object({ meta: z.object({ lastTouchedVersion: z.string().max(64) }) });
const concurrencyField = z.object({
  agents: z.object({ defaults: z.object({ maxConcurrent: z.number().int().min(1) }) }),
});

/** What a state directory's `openclaw.json` says that matters here. */
export interface OpenclawConfig {
  /** The OpenClaw that last wrote it. */
  readonly openclawVersion?: string | undefined;
  /** Most agents of a gateway that run at once. */
  readonly concurrentMax?: number | undefined;
}

/** Reads `openclaw.json`; a file that is not there, or not understood, says nothing. */
export async function readOpenclawConfig(stateDir: string): Promise<OpenclawConfig> {
  try {
    const document: unknown = JSON.parse(await readFile(join(stateDir, 'openclaw.json'), 'utf8'));
    return {
      openclawVersion: versionField.safeParse(document).data?.meta.lastTouchedVersion,
      concurrentMax: concurrencyField.safeParse(document).data?.agents.defaults.maxConcurrent,
    };
  } catch {
    return {};
  }
}

/** Why no JSON store may be created there: only a release that is known to read one gets one. */
export function creationRefusal(stateDir: string, version: string | undefined): string | undefined {
  if (version === undefined) {
    return `${stateDir} has no login yet and does not say its OpenClaw's version: log in there once with OpenClaw itself`;
  }
  const order = orderOf(version, sqliteRelease);
  if (order !== undefined && order < 0) return undefined;
  return `${stateDir} belongs to OpenClaw ${version}, which keeps its logins in SQLite: log in there once with OpenClaw itself`;
}

/**
 * Why marks in its stores do not hold the agents of a state directory back: a gateway from 2026.2.26 on keeps what it
 * once read, and does not see that they are lifted (`field/openclaw-stores.md`, 0 and 7).
 */
export function holdRefusal(stateDir: string, hasStateFile: boolean, version: string | undefined): string | undefined {
  if (hasStateFile) return `OpenClaw keeps its marks in auth-state.json under ${stateDir}, and reads them at its start`;
  if (!isRemembering(version)) return undefined;
  return `OpenClaw ${version} under ${stateDir} reads its marks at its start, and does not see them lifted`;
}

/** Whether a gateway of this release goes on with what it once read of a JSON store; one that says no version does not. */
export function isRemembering(version: string | undefined): boolean {
  const order = version === undefined ? undefined : orderOf(version, rememberingRelease);
  return order !== undefined && order >= 0;
}

/**
 * Whether a gateway of this release, under its own lock, refreshes with what it once read and not with what stands in its JSON
 * store (`field/openclaw-stores.md`, 2.4).
 */
export function refreshesFromMemory(version: string | undefined): boolean {
  const order = version === undefined ? undefined : orderOf(version, rereadingRelease);
  return isRemembering(version) && order !== undefined && order < 0;
}

/** What a release that keeps its logins in files calls OpenAI's subscription logins; unknown where it says no version. */
export function openaiNameOf(version: string | undefined): OpenaiName | undefined {
  const order = version === undefined ? undefined : orderOf(version, openaiRelease);
  if (order === undefined) return undefined;
  return order < 0 ? 'openai-codex' : 'openai';
}

function orderOf(version: string, other: readonly number[]): number | undefined {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  return parts && compareVersions(parts, other);
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (const [index, part] of b.entries()) {
    const difference = (a[index] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}
