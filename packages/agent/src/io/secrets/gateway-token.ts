import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
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
  /** The token that stands there; undefined where none does, or where one is only pointed to. Throws where that cannot be told. */
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

/** A file that is there, and in which nobody can tell whether it holds a token. */
class UnreadableError extends Error {
  override name = 'UnreadableError';
}

function tokenIn(text: string, path: readonly string[]): string | undefined {
  const read = readJson(text);
  if (read.state !== 'read') throw new UnreadableError(read.reason);
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

/** A place as it stands: its text and the token in it, that it is not there, or why nobody can tell. */
type Standing = { readonly text: string; readonly token: string | undefined } | { readonly why: string } | undefined;

async function standingOf({ file, read }: Place): Promise<Standing> {
  try {
    const text = await readFile(file, 'utf8');
    return { text, token: read(text) };
  } catch (error) {
    if (error instanceof UnreadableError) return { why: error.message };
    const why = fileTrouble(error);
    return why === 'there is no such file' ? undefined : { why };
  }
}

/** The token in every place of this host that has one. */
export async function readGatewayToken(stateDir: string): Promise<Lookup[]> {
  const lookups: Lookup[] = [];
  for (const place of await placesOf(stateDir)) {
    const { source } = place;
    const standing = await standingOf(place);
    if (standing && 'why' in standing) lookups.push({ source, kind: 'stored', state: 'unreadable', why: standing.why });
    else if (standing?.token !== undefined) lookups.push(lookedUp({ source, kind: 'stored' }, standing.token));
  }
  for (const process of ['openclaw', 'openclaw-gateway'])
    lookups.push(...(await readProcesses(gatewayTokenName, { process })).filter(({ state }) => state === 'read'));
  return lookups.length > 0 ? lookups : [{ source: stateDir.slice(-200), kind: 'stored', state: 'missing' }];
}

/** Files whose change is a change of the token. */
export async function gatewayTokenFiles(stateDir: string): Promise<readonly string[]> {
  return [...new Set((await placesOf(stateDir)).map(({ file }) => file))];
}

/** Why a token could not be put there; undefined where it seems to be possible. */
export async function gatewayTokenTrouble(stateDir: string): Promise<string | undefined> {
  let count = 0;
  for (const place of await placesOf(stateDir)) {
    const standing = await standingOf(place);
    if (standing && 'why' in standing) return `${place.source}: ${standing.why}`;
    if (standing?.token !== undefined) count += 1;
  }
  return count > 0
    ? undefined
    : 'no file of this OpenClaw holds a gateway token: put one into gateway.auth.token first';
}

/** Puts the token wherever this host has one; each file is read back. */
export async function putGatewayToken(stateDir: string, token: string): Promise<TargetResult> {
  const target = stateDir.slice(-200);
  const failed = (why: string): TargetResult => ({ target, state: 'failed', why: why.slice(0, sentenceCharsMax) });
  if (!/^[^\s"'`\\$]+$/.test(token)) return failed('a gateway token may hold no blanks, quotes or dollar signs');
  // Before the first is changed: where one cannot be read, the others would differ from it.
  const trouble = await gatewayTokenTrouble(stateDir);
  if (trouble !== undefined) return failed(trouble);
  let isChanged = false;
  for (const place of await placesOf(stateDir)) {
    const { source, file } = place;
    const standing = await standingOf(place);
    if (!standing || 'why' in standing || standing.token === undefined) continue;
    const changed = place.write(standing.text, token);
    if (changed === standing.text) continue;
    const isUnchanged = async () => JSON.stringify(await standingOf(place)) === JSON.stringify(standing);
    const outcome = await replaceFile(locate(file), changed, { isUnchanged });
    if (outcome.result === 'overtaken') return failed(`${source}: somebody else was writing it: try again`);
    if (outcome.result !== 'replaced')
      return failed('reason' in outcome ? outcome.reason : `${source}: it was not written`);
    const after = await standingOf(place);
    if (!after || 'why' in after || after.token !== token) return failed(`${source}: it holds another value now`);
    isChanged = true;
  }
  return { target, state: isChanged ? 'written' : 'same' };
}
