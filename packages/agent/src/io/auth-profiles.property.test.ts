import { createHash } from 'node:crypto';
import type { Fingerprint, ProfileId } from '@authmesh/shared/core/identifiers';
import type { Credential } from '@authmesh/shared/protocol/credential';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editCredential, parseStore, type ReadContext } from './auth-profiles.ts';

const now = Date.UTC(2026, 10, 22);
const context: ReadContext = {
  fingerprint: secret => createHash('sha256').update(secret).digest('hex').slice(0, 32) as Fingerprint,
  now,
  clockOffsetMs: 0,
};

const secret = fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme-ascii' }).filter(text => text.trim() !== '');
const expires = fc.integer({ min: now - 1e10, max: now + 1e10 });
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('valueOf', 'constructor', 'toString', 'hasOwnProperty'),
);
const extras = fc.dictionary(
  name.filter(
    field => !/^(type|provider|access|token|key|refresh|idToken|expires|accountId|email|.*Ref|__proto__)$/.test(field),
  ),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 4 },
);
const kind = fc.constantFrom('oauth', 'token', 'api_key');
const entry = fc
  .tuple(kind, secret, fc.option(secret, { nil: undefined }), expires, extras)
  .map(([type, access, refresh, end, more]) => {
    const secrets =
      type === 'oauth' ? { access, refresh, expires: end } : type === 'token' ? { token: access } : { key: access };
    return { ...more, type, provider: 'anthropic', ...secrets };
  });
const secretOf = ({ access, token, key }: Readonly<Record<string, unknown>>) => access ?? token ?? key;
const store = fc.record({
  version: fc.constant(1),
  // One token with two ends is no login that a provider gives out.
  profiles: fc
    .uniqueArray(fc.tuple(name, entry), {
      minLength: 1,
      maxLength: 5,
      comparator: ([a, one], [b, other]) => a === b || secretOf(one) === secretOf(other),
    })
    .map(entries => Object.fromEntries(entries.map(([text, made]) => [`anthropic:${text}`, made]))),
  order: fc.constant({ anthropic: ['anthropic:x'] }),
  usageStats: fc.dictionary(name, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  unknown: fc.jsonValue({ maxDepth: 3 }),
});

/** The same document as other programs may have laid it out. */
const layout = fc.record({
  indent: fc.constantFrom(0, 1, 2, 4, '\t'),
  isCrlf: fc.boolean(),
  hasTrailing: fc.boolean(),
  isEscaped: fc.boolean(),
});
type Layout = typeof layout extends fc.Arbitrary<infer Value> ? Value : never;
function layOut(value: unknown, { indent, isCrlf, hasTrailing, isEscaped }: Layout): string {
  let text = JSON.stringify(value, null, indent);
  if (isEscaped)
    text = text.replace(/[^\p{ASCII}]|\//gu, character =>
      [...Array(character.length).keys()]
        .map(at => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join(''),
    );
  if (hasTrailing) text += '\n';
  return isCrlf ? text.replaceAll('\n', '\r\n') : text;
}

const credential = fc.tuple(
  secret,
  fc.option(secret, { nil: undefined }),
  fc.option(secret, { nil: undefined }),
  expires,
);
const form = fc.constantFrom('full', 'bearer');
const secretFields = ['access', 'token', 'key', 'refresh', 'idToken', 'expires'];

describe('an edit of any store', () => {
  it('puts the credential in and changes nothing else', () => {
    fc.assert(
      fc.property(
        store,
        layout,
        credential,
        form,
        fc.nat(),
        (document, style, [access, refresh, idToken, end], how, pick) => {
          const text = layOut(document, style);
          const profiles = Object.keys(document.profiles);
          const profile = profiles[pick % profiles.length] as ProfileId;
          const before = document.profiles[profile];
          if (!before) throw new Error('the profile was picked from the store');
          const type = before.type as Credential['kind'];
          const next: Credential = {
            kind: type,
            provider: 'anthropic',
            access,
            refresh,
            idToken,
            expiresAt: end,
            details: {},
          };
          const edited = editCredential(text, profile, next, how as 'full' | 'bearer', { localOffsetMs: 0 }) ?? '';

          const parsed = parseStore(edited, context);
          const seen =
            parsed.seen.state === 'readable' ? parsed.seen.profiles.find(one => one.profile === profile) : undefined;
          expect(seen).toMatchObject({ health: 'sound', access: context.fingerprint(access) });
          if (type === 'oauth') {
            const kept = typeof before.refresh === 'string' ? before.refresh : undefined;
            const wanted = how === 'bearer' ? undefined : (refresh ?? kept);
            expect(seen?.refresh).toBe(wanted === undefined ? undefined : context.fingerprint(wanted));
            expect(seen?.expiresAt).toBe(end);
          }

          const strip = (source: string): unknown => {
            const value = JSON.parse(source);
            for (const field of secretFields) delete value.profiles[profile][field];
            return value;
          };
          expect(strip(edited)).toEqual(strip(text));
          expect(Object.keys(JSON.parse(edited).profiles)).toEqual(Object.keys(JSON.parse(text).profiles));
          // Taking it back restores the very bytes, but for the places of fields that were not there.
          expect(outsideOf(edited, profile)).toEqual(outsideOf(text, profile));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of a credential that is there already changes no byte', () => {
    fc.assert(
      fc.property(store, layout, (document, style) => {
        const text = layOut(document, style);
        const { credentials, seen } = parseStore(text, context);
        for (const { profile, access } of seen.state === 'readable' ? seen.profiles : []) {
          const same = access && credentials.get(access);
          if (!same) throw new Error('every login of the store is sound');
          expect(editCredential(text, profile, same, 'full', { localOffsetMs: 0 })).toBe(text);
        }
      }),
    );
  });
});

/** The text before and after the entry of a profile, byte for byte. */
function outsideOf(text: string, profile: string): readonly string[] {
  const spellings = [JSON.stringify(profile), JSON.stringify(profile).replaceAll('/', '\\u002f')];
  const profiles = text.search(/"profiles"\s*:/);
  const keyAt = Math.max(...spellings.map(spelling => text.indexOf(`${spelling}:`, profiles)));
  const open = text.indexOf(
    '{',
    keyAt +
      Math.max(...spellings.filter(spelling => text.startsWith(spelling, keyAt)).map(spelling => spelling.length)),
  );
  let depth = 0;
  let isString = false;
  for (let at = open; at < text.length; at++) {
    const character = text.charAt(at);
    if (isString) {
      if (character === '\\') at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth === 0) return [text.slice(0, open), text.slice(at)];
  }
  return [text];
}
