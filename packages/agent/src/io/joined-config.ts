import { readFile } from 'node:fs/promises';
import { systemErrorCode } from '@authmesh/shared/node/errors';
import { writePrivateJson } from '@authmesh/shared/node/private-file';
import { z } from 'zod';
import { agentFilePath, loadAgentConfig } from './config.ts';

/** What `join` keeps in `agent.json`. */
export interface JoinedFacts {
  readonly name: string;
  readonly coordinator: readonly string[];
  /** Absolute paths; undefined: none were named, the file stays as it is. */
  readonly stateDirs?: readonly string[] | undefined;
}

/** Writes the facts of a join into `agent.json`; every other field stays. Throws when the file is not valid. */
export async function keepJoinedFacts(home: string, facts: JoinedFacts): Promise<void> {
  await loadAgentConfig({ home, environment: {} });
  const raw = await readRaw(agentFilePath(home));
  const openclaw =
    facts.stateDirs === undefined ? {} : { openclaw: { ...object(raw.openclaw), stateDirs: facts.stateDirs } };
  await writePrivateJson(agentFilePath(home), {
    ...raw,
    name: facts.name,
    coordinator: facts.coordinator,
    ...openclaw,
  });
}

async function readRaw(file: string): Promise<Record<string, unknown>> {
  try {
    return object(JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, '')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return {};
    throw error;
  }
}

function object(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).catch({}).parse(value);
}
