import { accessSync, constants, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { second } from '@authmesh/shared/core/time';
import type { SecretValue } from '@authmesh/shared/crypto/sealed-secret';
import { runToEnd } from '@authmesh/shared/node/child-program';
import { systemErrorCode } from '@authmesh/shared/node/errors';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { TargetResult } from '@authmesh/shared/protocol/push';
import { replaceFile } from '../durable-file.ts';
import type { StatedTarget } from '../formats/secret-declaration.ts';
import { locate } from '../store-file.ts';
import { readDotenv } from './dotenv-source.ts';
import { withAssignment } from './dotenv-text.ts';
import { gatewayTokenTrouble, putGatewayToken } from './gateway-token.ts';
import { fileTrouble } from './lookup.ts';

/** A value as it is given to a host: as it stands where it comes from, and without what stands around it. */
export type GivenValue = Pick<SecretValue, 'exact' | 'text' | 'isDotenv'>;

/** Puts a value where a host wants it. Never rejects; no part of the value is in what it says. */
export async function putSecret(
  name: string,
  target: StatedTarget,
  value: GivenValue,
  signal: AbortSignal,
): Promise<TargetResult> {
  if ('dotenv' in target) return putIntoDotenv(target.dotenv, target.key ?? name, value);
  if ('gateway' in target) return putGatewayToken(target.gateway, value.text);
  const { command, timeoutSeconds, variable } = target;
  const [program = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  // Any of its arguments may be a secret of its own.
  const label = typeof command === 'string' ? 'a shell line' : basename(program).slice(0, 60);
  // Whoever lists processes sees their arguments: the value goes another way.
  const way = variable === undefined ? { input: value.text } : { environment: { [variable]: value.text } };
  const ended = await runToEnd({ program, args, ...way, timeoutMs: timeoutSeconds * second, signal });
  if ('why' in ended) return { target: label, state: 'failed', why: `${label} ${ended.why}` };
  return { target: label, state: 'told' };
}

/** Why a value could not be put there, as far as that can be told before; undefined where it seems to be possible. */
export async function putTrouble(target: StatedTarget): Promise<string | undefined> {
  if ('gateway' in target) return gatewayTokenTrouble(target.gateway);
  if (!('dotenv' in target)) return undefined;
  const folder = dirname(locate(target.dotenv));
  if (!existsSync(folder)) return `${target.dotenv.slice(-200)}: there is no such folder`;
  try {
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch {
    return `${target.dotenv.slice(-200)}: its folder takes no files of this user`;
  }
}

/** Changes one assignment of a dotenv file in place, or adds it; comments, order and everything else stay. Read back. */
async function putIntoDotenv(path: string, key: string, value: GivenValue): Promise<TargetResult> {
  const target = path.slice(-200);
  const failed = (why: string): TargetResult => ({ target, state: 'failed', why: why.slice(0, sentenceCharsMax) });
  const written = dotenvText(value);
  if (written === undefined)
    return failed('the value has line breaks and every kind of quotes: no dotenv file can hold it');
  try {
    const { path: file, text } = await readIfThere(path);
    if (!existsSync(dirname(file))) return failed('there is no such folder');
    const changed = withAssignment(text, key, written);
    if (changed === text) return { target, state: 'same' };
    const isUnchanged = async () => (await readIfThere(path)).text === text;
    const outcome = await replaceFile(file, changed, { isUnchanged });
    if (outcome.result === 'overtaken') return failed('somebody else was writing it: try again');
    if (outcome.result !== 'replaced') return failed('reason' in outcome ? outcome.reason : 'it was not written');
    const read = await readDotenv(path, key);
    if (read.state === 'read' && read.value === written) return { target, state: 'written' };
    return failed('it was written, and holds another value now');
  } catch (error) {
    return failed(fileTrouble(error));
  }
}

async function readIfThere(path: string): Promise<{ readonly path: string; readonly text: string }> {
  const file = await locate(path);
  try {
    return { path: file, text: await readFile(file, 'utf8') };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { path: file, text: '' };
    throw error;
  }
}

/** How a value stands in a dotenv file: as it stood in another, or in as few quotes as it needs. */
function dotenvText({ exact, text, isDotenv }: GivenValue): string | undefined {
  if (isDotenv) return exact.replace(/\r$/, '');
  if (/^[^\s"'`#]+(?: +[^\s"'`#]+)*$/.test(text)) return text;
  const quote = ["'", '"', '`'].find(one => !text.includes(one) && !(one === '"' && text.includes('\\')));
  return quote === undefined ? undefined : `${quote}${text}${quote}`;
}
