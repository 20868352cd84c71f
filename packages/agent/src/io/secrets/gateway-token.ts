import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TargetResult } from '@authmesh/shared/protocol/push';
import { replaceFile } from '../durable-file.ts';
import { hasObject, readJson, setFields } from '../formats/json-document.ts';
import { gatewayTokenName } from '../formats/secret-declaration.ts';
import { locate } from '../store-file.ts';
import { parseDotenv, withAssignment } from './dotenv-text.ts';
import { fileTrouble, type Lookup, lookedUp, textAt } from './lookup.ts';
import { readProcesses } from './process-source.ts';

/*
 * The token of OpenClaw's gateway, wherever a host has it (`field/openclaw-stores.md`, 6): the configuration of the gateway and
 * of its clients, OpenClaw's own `.env`, units of systemd, and the environment of what runs. A running gateway takes a changed
 * configuration up by itself (2026.2.12 and later).
 */

/** One place of the token in a file. */
interface Place {
  readonly source: string;
  readonly file: string;
  /** The token that stands there; undefined where none does, or where one is only pointed to. */
  readonly read: (text: string) => string | undefined;
  readonly write: (text: string, token: string) => string;
}

const configured = [
  ['gateway', 'auth'],
  ['gateway', 'remote'],
] as const;

/** Every place where the token could be under a state folder and in this user's units. */
async function placesOf(stateDir: string): Promise<Place[]> {
  const config = join(stateDir, 'openclaw.json');
  const dotenv = join(stateDir, '.env');
  return [
    ...configured.map(path => ({
      source: `${config} ${path.join('.')}.token`.slice(-200),
      file: config,
      read: (text: string) => tokenIn(text, path),
      write: (text: string, token: string) => (hasObject(text, path) ? setFields(text, path, { token }) : text),
    })),
    {
      source: dotenv.slice(-200),
      file: dotenv,
      read: text => parseDotenv(text).findLast(one => one.key === gatewayTokenName)?.value,
      write: (text, token) => withAssignment(text, gatewayTokenName, token),
    },
    ...(await unitFiles()).map(file => ({
      source: file.slice(-200),
      file,
      read: (text: string) => unitLine.exec(text)?.[2],
      write: (text: string, token: string) => text.replace(unitLine, (_, before: string) => before + token),
    })),
  ];
}

const unitLine = /^(Environment=(?:.*[\s"'])?OPENCLAW_GATEWAY_TOKEN=)([^"'\s]+)/m;

function tokenIn(text: string, path: readonly string[]): string | undefined {
  const read = readJson(text);
  if (read.state !== 'read') return undefined;
  const found = textAt(read.value, `/${path.join('/')}/token`);
  // `${NAME}` and a SecretRef point to where it is.
  const token = 'text' in found ? found.text : undefined;
  return token === undefined || token.startsWith('${') ? undefined : token;
}

async function unitFiles(): Promise<string[]> {
  const folder = join(homedir(), '.config/systemd/user');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names
    .filter(name => /^openclaw[^/]*\.service(?:\.d\/[^/]+\.conf)?$/.test(name))
    .map(name => join(folder, name));
}

/** The token in every place of this host that has one. */
export async function readGatewayToken(stateDir: string): Promise<Lookup[]> {
  const lookups: Lookup[] = [];
  for (const { source, file, read } of await placesOf(stateDir)) {
    const text = await textOf(file);
    if ('why' in text) lookups.push({ source, kind: 'stored', state: 'unreadable', why: text.why });
    const token = 'text' in text ? read(text.text) : undefined;
    if (token !== undefined) lookups.push(lookedUp({ source, kind: 'stored' }, token));
  }
  for (const process of ['openclaw', 'openclaw-gateway'])
    lookups.push(...(await readProcesses(gatewayTokenName, { process })).filter(({ state }) => state === 'read'));
  return lookups.length > 0 ? lookups : [{ source: stateDir.slice(-200), kind: 'stored', state: 'missing' }];
}

/** Files whose change is a change of the token. */
export async function gatewayTokenFiles(stateDir: string): Promise<readonly string[]> {
  return [...new Set((await placesOf(stateDir)).map(({ file }) => file))];
}

/** Puts the token wherever this host has one; each file is read back. */
export async function putGatewayToken(stateDir: string, token: string): Promise<TargetResult> {
  const target = stateDir.slice(-200);
  const failed = (why: string): TargetResult => ({ target, state: 'failed', why });
  if (!/^[^\s"'`\\$]+$/.test(token)) return failed('a gateway token may hold no blanks, quotes or dollar signs');
  let count = 0;
  let isChanged = false;
  for (const { source, file, read, write } of await placesOf(stateDir)) {
    const text = await textOf(file);
    if ('why' in text) return failed(`${source}: ${text.why}`);
    if (!('text' in text) || read(text.text) === undefined) continue;
    count += 1;
    const changed = write(text.text, token);
    if (changed === text.text) continue;
    const isUnchanged = async () => JSON.stringify(await textOf(file)) === JSON.stringify(text);
    const outcome = await replaceFile(locate(file), changed, { isUnchanged });
    if (outcome.result === 'overtaken') return failed(`${source}: somebody else was writing it: try again`);
    if (outcome.result !== 'replaced')
      return failed('reason' in outcome ? outcome.reason : `${source}: it was not written`);
    const after = await textOf(file);
    if (!('text' in after) || read(after.text) !== token) return failed(`${source}: it holds another value now`);
    isChanged = true;
  }
  if (count === 0)
    return failed('no file of this OpenClaw holds a gateway token: put one into gateway.auth.token first');
  return { target, state: isChanged ? 'written' : 'same' };
}

async function textOf(
  file: string,
): Promise<{ readonly text: string } | { readonly absent: true } | { readonly why: string }> {
  try {
    return { text: await readFile(file, 'utf8') };
  } catch (error) {
    const why = fileTrouble(error);
    return why === 'there is no such file' ? { absent: true } : { why };
  }
}
