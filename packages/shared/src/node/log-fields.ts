import { createHmac, createSecretKey } from 'node:crypto';
import type { Note } from '@authmesh/shared/core/notes';
import { AuthmeshError } from './errors.ts';

/** What a line of the log may hold beside its name: nothing else gets through. */
const fieldNames = ['store', 'file', 'node', 'revision', 'why'] as const;

/** Turns what names a person into a tag: the same login has the same tag on every line, and only the key's owner can test a guess. */
export type Tagger = (kind: 'account' | 'profile', id: string) => string;

/** Tags of the form `provider#8hex`, keyed with `key`. */
export function createTagger(key: Uint8Array): Tagger {
  const handle = createSecretKey(key);
  return (kind, id) => {
    const label = kind === 'account' ? id.slice(id.indexOf(':') + 1) : id;
    const provider = /^[\w.-]{1,60}(?=[:/])/.exec(label)?.[0] ?? kind;
    return `${provider}#${createHmac('sha256', handle).update(`${kind}\n${id}`).digest('hex').slice(0, 8)}`;
  };
}

/** A note's details as the log may hold them. */
export function noteFields(note: Note, tag: Tagger): Record<string, unknown> {
  const identities = new Map<string, string>();
  if (note.account !== undefined) identities.set(note.account, tag('account', note.account));
  if (note.profile !== undefined) identities.set(note.profile, tag('profile', note.profile));
  let { why } = note;
  for (const [identity, tagged] of identities) why = why?.replaceAll(identity, tagged);
  return {
    ...(note.account === undefined ? {} : { account: identities.get(note.account) }),
    ...(note.profile === undefined ? {} : { profile: identities.get(note.profile) }),
    ...allowedFields({ ...note, why }),
  };
}

/** The fields that are on the list, with their free text scrubbed. */
function allowedFields(note: Note): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of fieldNames) {
    const value = note[name];
    if (typeof value === 'number') kept[name] = value;
    else if (typeof value === 'string') kept[name] = name === 'why' ? scrub(value) : value;
  }
  return kept;
}

/** Long runs without a space or slash look like tokens; an address with an @ names a person. */
const tokenLike = /[A-Za-z0-9_+=~.-]{41,}/g;
const emailLike = /[^\s"'<>:,;()/]+@[^\s"'<>:,;()/]+/g;

/** Takes out of free text what looks like a token or an e-mail address. */
export function scrub(text: string): string {
  return text.replace(tokenLike, '[redacted]').replace(emailLike, '[identity]').slice(0, 500);
}

/**
 * An error for the log. A `SyntaxError` quotes what it could not parse, so only its name is kept; of others the scrubbed
 * message and the places of the stack.
 */
export function describeError(error: unknown): { readonly why: string; readonly stack?: readonly string[] } {
  if (error instanceof AuthmeshError) return { why: scrub(error.message) };
  if (!(error instanceof Error)) return { why: `a thrown ${typeof error}` };
  const why = error instanceof SyntaxError ? error.name : scrub(`${error.name}: ${error.message}`);
  const stack = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line));
  return { why, stack: stack.slice(0, 12).map(line => line.trim()) };
}
