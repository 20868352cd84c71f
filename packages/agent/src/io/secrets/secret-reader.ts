import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { looseValue, type SecretReading } from '@authmesh/shared/core/secret-reading';
import type { SecretDeclaration, StatedSource } from '../formats/secret-declaration.ts';
import { readCommand } from './command-source.ts';
import { readDotenv } from './dotenv-source.ts';
import { readGatewayToken } from './gateway-token.ts';
import { readJson } from './json-source.ts';
import type { Lookup } from './lookup.ts';
import { readProcesses } from './process-source.ts';

/** Reads all sources of one secret; of what it reads fingerprints remain. Never rejects; `signal` ends what it waits for. */
export type SecretReader = (declaration: SecretDeclaration, signal: AbortSignal) => Promise<readonly SecretReading[]>;

/** A reader whose fingerprints are made with the fleet's key of the epoch. */
export function createSecretReader(fingerprint: (value: string) => Fingerprint): SecretReader {
  return async ({ name, group, from }, signal) => {
    const readings: SecretReading[] = [];
    for (const source of from) {
      for (const lookup of await lookUpSource(name, source, signal)) {
        const found = foundOf(lookup, fingerprint);
        readings.push({ name, group, place: source.as, source: lookup.source, kind: lookup.kind, found });
      }
    }
    return readings;
  };
}

/** Looks one source of a secret up. What throws all the same (a word that no program can be given) was not looked at. */
export async function lookUpSource(
  name: string,
  source: StatedSource,
  signal: AbortSignal,
): Promise<readonly Lookup[]> {
  try {
    return await lookUp(name, source, signal);
  } catch {
    const kind = 'env' in source ? 'process' : 'stored';
    return [{ source: 'a source', kind, state: 'unreadable', why: 'it could not be looked up: see what it says' }];
  }
}

async function lookUp(name: string, source: StatedSource, signal: AbortSignal): Promise<readonly Lookup[]> {
  if ('dotenv' in source) return [await readDotenv(source.dotenv, source.key ?? name)];
  if ('json' in source) return [await readJson(source.json, source.pointer)];
  if ('command' in source) return [await readCommand(source, signal)];
  if ('gateway' in source) return readGatewayToken(source.gateway);
  const { env, pidFile, unit, process } = source;
  if (pidFile !== undefined) return readProcesses(env, { pidFile });
  return readProcesses(env, unit === undefined ? { process: process ?? name } : { unit });
}

function foundOf(lookup: Lookup, fingerprint: (value: string) => Fingerprint): SecretReading['found'] {
  if (lookup.state === 'missing') return { state: 'missing' };
  if (lookup.state === 'unreadable') return { state: 'unreadable', why: lookup.why.slice(0, 200) };
  const { text, forms } = looseValue(lookup.value);
  return { state: 'read', exact: fingerprint(lookup.value), loose: fingerprint(text), forms };
}
