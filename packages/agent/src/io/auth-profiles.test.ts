import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Fingerprint, ProfileId } from '@authmesh/shared/core/identifiers';
import { day, hour, minute } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { describe, expect, it } from 'vitest';
import { createProfile, editCredential, liftAuthMarks, parseStore, type ReadContext } from './auth-profiles.ts';

const now = Date.UTC(2026, 10, 22);
const key = randomBytes(32);
const context: ReadContext = {
  fingerprint: secret => createHmac('sha256', key).update(secret).digest('hex').slice(0, 32) as Fingerprint,
  now,
  clockOffsetMs: 0,
};
const secret = (): string => randomBytes(24).toString('base64url');
const jwt = (claims: object): string =>
  [{ alg: 'none' }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
  `.${secret()}`;
const store = (profiles: object, more: object = {}): string =>
  `${JSON.stringify({ version: 1, profiles, ...more }, null, 2)}\n`;
const oauth = (fields: object = {}): Record<string, unknown> => ({
  type: 'oauth',
  provider: 'anthropic',
  access: secret(),
  refresh: secret(),
  expires: now + hour,
  ...fields,
});
const id = 'anthropic:default' as ProfileId;

function parse(text: string, by: ReadContext = context) {
  const { seen, credentials, skipped, partial } = parseStore(text, by);
  const profiles = seen.state === 'readable' ? seen.profiles : [];
  return { seen, credentials, skipped, partial, profiles, first: profiles[0] };
}
const reasonOf = (text: string): string | undefined => {
  const { seen } = parse(text);
  return seen.state === 'quarantined' ? seen.reason : undefined;
};

describe('a store that cannot be understood', () => {
  const whole = store({ [id]: oauth() });
  it.each([
    ['half-written', whole.slice(0, 90), /ends in the middle/],
    ['empty', '', /empty/],
    ['blank', ' \n', /empty/],
    ['binary', `\0\0${whole}`, /binary/],
    ['with a byte order mark', `\uFEFF${whole}`, /not JSON/],
    ['with a comment', whole.replace('{', '{ // note'), /not JSON: line 1, column/],
    ['huge', `${whole}${' '.repeat(8 * 1024 * 1024)}`, /8 MiB/],
    ['deep', `{"version":1,"profiles":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /64 levels/],
    ['of another version', store({}).replace('"version": 1', '"version": 2'), /`version` is 2/],
    ['with a version in words', store({}).replace('"version": 1', '"version": "1"'), /not a number/],
    ['with a duplicate key', whole.replace('"refresh"', '"access"'), /"access" appears twice/],
    ['that is an array', '[]', /not an object/],
    ['without profiles', '{"version":1}', /no `profiles`/],
  ])('%s is quarantined with a sentence', (_name, text, sentence) => {
    expect(reasonOf(text)).toMatch(sentence);
    expect(parse(text).credentials.size).toBe(0);
  });

  it('never quotes what stands in it', () => {
    const token = secret();
    expect(reasonOf(`{"version":1,"profiles":{"a":{"access":"${token}`)).not.toContain(token);
    expect(reasonOf(`{"${token}":1 x`)).not.toContain(token);
  });

  it('is worth another look only when it may be half-written', () => {
    expect([parse('').partial, parse(whole.slice(0, 50)).partial, parse('[]').partial]).toEqual([true, true, false]);
  });
});

describe('a profile', () => {
  it('is sound with its fingerprints, and its credential goes to the vault', () => {
    const entry = oauth({ accountId: 'acct_1', email: 'a@b.c', clientId: 'app', idToken: secret() });
    const { first, credentials } = parse(store({ [id]: entry }));
    expect(first).toMatchObject({ health: 'sound', account: 'oauth:anthropic/acct_1', identity: 'account' });
    expect(first?.access).toBe(context.fingerprint(String(entry.access)));
    expect(credentials.get(first?.access ?? ('' as Fingerprint))).toEqual({
      kind: 'oauth',
      provider: 'anthropic',
      access: entry.access,
      refresh: entry.refresh,
      idToken: entry.idToken,
      expiresAt: entry.expires,
      details: { accountId: 'acct_1', email: 'a@b.c', clientId: 'app' },
    });
  });

  it.each([
    ['expires missing', { expires: undefined }, /no `expires`/],
    ['expires zero', { expires: 0 }, /zero/],
    ['expires negative', { expires: -1 }, /negative/],
    ['expires in seconds', { expires: Math.floor(now / 1000) }, /seconds/],
    ['expires of one', { expires: 1 }, /2015/],
    ['expires as text', { expires: '2026-12-01' }, /not a number/],
    ['expires decades ahead', { expires: now + 21 * 365 * day }, /20 years/],
    ['the year 9999', { expires: Date.UTC(9999, 11, 31) }, /20 years/],
    ['an endless token', { access: 'x'.repeat(40_000) }, /32 KiB/],
  ])('with %s is implausible and never spreads', (_name, fields, sentence) => {
    const { first, credentials } = parse(store({ [id]: oauth(fields) }));
    expect(first).toMatchObject({ health: 'implausible', trouble: expect.stringMatching(sentence) });
    expect(credentials.size).toBe(0);
  });

  it.each([[8_640_000_000_000_000], [Number.MAX_SAFE_INTEGER]])('that expires at %d does not end', expires => {
    expect(parse(store({ [id]: oauth({ expires }) })).first).toMatchObject({ health: 'sound', expiresAt: null });
  });

  it('may lack `expires` where it is no oauth login', () => {
    const entries = {
      'anthropic:t': { type: 'token', provider: 'anthropic', token: secret() },
      'openai:k': { type: 'api_key', provider: 'openai', key: secret() },
    };
    expect(parse(store(entries)).profiles.map(({ health, expiresAt }) => [health, expiresAt])).toEqual([
      ['sound', null],
      ['sound', null],
    ]);
  });

  it.each([[''], ['  '], [undefined], [7]])('with the token %j is empty', access => {
    expect(parse(store({ [id]: oauth({ access }) })).first).toMatchObject({ health: 'empty', access: undefined });
  });

  it('without a refresh token, or an empty one, is the bearer form and sound', () => {
    for (const refresh of [undefined, '']) {
      expect(parse(store({ [id]: oauth({ refresh }) })).first).toMatchObject({ health: 'sound', refresh: undefined });
    }
  });

  it('with a refresh fence says which refresh token is being spent, if this host has seen it', () => {
    const [spent, other] = [secret(), secret()];
    // OpenClaw 2026.9.6: `["openclaw.oauth-refresh-generation", 1, profile, provider, which, secret]`.
    const generation = JSON.stringify(['openclaw.oauth-refresh-generation', 1, id, 'anthropic', 'refresh', spent]);
    const digest = createHash('sha256').update(generation).digest('hex');
    const fence = (rest: string): string =>
      `openclaw-oauth-refresh-fence:v1:${randomBytes(16).toString('hex')}:${rest}`;
    for (const phase of ['', 'failed:']) {
      const entry = oauth({
        access: fence(`${phase}access:x`),
        refresh: fence(`${phase}refresh:${digest}`),
        expires: 1,
      });
      const knowing = (...known: string[]): ReadContext => ({
        ...context,
        findRefresh: isIt => known.filter(isIt).map(context.fingerprint)[0],
      });
      expect(parse(store({ [id]: entry }), knowing(other, spent)).first?.spends).toBe(context.fingerprint(spent));
      expect(parse(store({ [id]: entry }), knowing(other)).first?.spends).toBeUndefined();
    }
  });

  it('with a refresh fence is pending or failed, never a credential', () => {
    const fence = (phase: string, which: string): string =>
      `openclaw-oauth-refresh-fence:v1:${randomBytes(16).toString('hex')}:${phase}${which}:${randomBytes(32).toString('hex')}`;
    for (const [phase, health] of [
      ['', 'fence-pending'],
      ['failed:', 'fence-failed'],
    ] as const) {
      const entry = oauth({ access: fence(phase, 'access'), refresh: fence(phase, 'refresh'), expires: 1 });
      const { first, credentials } = parse(store({ [id]: entry }));
      expect(first?.health).toBe(health);
      expect(credentials.size).toBe(0);
    }
  });

  it.each([
    ['no provider', oauth({ provider: undefined }), /provider/],
    ['an unknown type', oauth({ type: 'passkey' }), /type/],
    ['its secret in a sidecar', oauth({ access: undefined, oauthRef: { id: 'x' } }), /oauthRef/],
    ['its key behind a reference', { type: 'api_key', provider: 'openai', keyRef: {} }, /keyRef/],
    ['an array for an entry', [], /object/],
    ['a provider with a slash', oauth({ provider: 'a/b' }), /slash/],
    ['an owner without end', oauth({ accountId: 'x'.repeat(700) }), /too long/],
    ['other fields without end', oauth({ notes: 'x'.repeat(40_000) }), /32 KiB/],
  ])('with %s is skipped with a reason', (_name, entry, reason) => {
    const { profiles, skipped } = parse(store({ [id]: entry, 'xai:b': oauth({ provider: 'xai' }) }));
    expect(skipped).toEqual([{ profile: id, reason: expect.stringMatching(reason) }]);
    expect(profiles).toHaveLength(1);
  });
});

describe('whose login it is', () => {
  const accountOf = (fields: object, profile: string = id): readonly unknown[] => {
    const { first } = parse(store({ [profile]: oauth(fields) }));
    return [first?.account, first?.identity];
  };
  it('is said by the account id, the token, the e-mail, at last the profile', () => {
    const claims = { sub: 'user-7', 'https://api.openai.com/auth': { chatgpt_account_id: 'acct_9' } };
    const codex = { provider: 'openai-codex', access: jwt(claims) };
    expect(accountOf({ ...codex, accountId: 'acct_1' })).toEqual(['oauth:openai/acct_1', 'account']);
    expect(accountOf(codex)).toEqual(['oauth:openai/acct_9', 'account']);
    expect(accountOf({ access: jwt(claims) })).toEqual(['oauth:anthropic/user-7', 'account']);
    expect(accountOf({ email: 'Jo@Example.org' })).toEqual(['oauth:anthropic/jo@example.org', 'account']);
    expect(accountOf({})).toEqual([`oauth:anthropic/${id}`, 'profile']);
  });

  it('is the same under the names of both eras', () => {
    expect(accountOf({ provider: 'openai-codex' }, 'openai-codex:default')).toEqual(
      accountOf({ provider: 'openai' }, 'openai:default'),
    );
  });

  it('gives the issuer’s own time where the token has one', () => {
    const issued = (access: string): unknown => parse(store({ [id]: oauth({ access }) })).first?.issuedAt;
    expect(issued(jwt({ iat: 1_790_000_000 }))).toBe(1_790_000_000_000);
    for (const odd of [jwt({ iat: -1 }), jwt({ iat: 'x' }), jwt({}), 'a.b.c', secret()])
      expect(issued(odd)).toBeUndefined();
  });
});

describe('clocks', () => {
  it('corrects an expiry to the fleet’s clock and back', () => {
    const entry = oauth({ expires: now + hour });
    const ahead = { ...context, clockOffsetMs: day };
    const [credential] = parseStore(store({ [id]: entry }), ahead).credentials.values();
    expect(credential?.expiresAt).toBe(now + hour - day);
    const text = store({ [id]: oauth() });
    const edited = credential && editCredential(text, id, credential, 'full', { localOffsetMs: day });
    expect(parse(edited ?? '').first?.expiresAt).toBe(now + hour);
  });
});

describe('OpenClaw’s marks', () => {
  const marks = (stats: object): string =>
    store({ [id]: oauth() }, { usageStats: { [id]: stats, other: { errorCount: 3 } } });
  const after = (stats: object): unknown => JSON.parse(liftAuthMarks(marks(stats), id)).usageStats[id];
  const soon = now + minute;

  it('for failed authentication are lifted', () => {
    expect(after({ lastUsed: 5, errorCount: 2, failureCounts: { auth: 2 }, cooldownUntil: soon })).toEqual({
      lastUsed: 5,
      errorCount: 0,
    });
    expect(after({ cooldownUntil: soon, cooldownReason: 'auth', cooldownModel: 'm' })).toEqual({});
    expect(after({ disabledUntil: soon, disabledReason: 'auth_permanent' })).toEqual({});
  });

  it.each([
    [{ cooldownUntil: soon, cooldownReason: 'rate_limit', failureCounts: { rate_limit: 1 }, errorCount: 1 }],
    [{ disabledUntil: soon, disabledReason: 'billing' }],
    [{ cooldownUntil: soon, errorCount: 1 }],
    [{ blockedUntil: soon, blockedReason: 'subscription_limit' }],
  ])('of any other cause stay: %j', stats => {
    const text = marks(stats);
    expect(liftAuthMarks(text, id)).toBe(text);
  });

  it('of two causes lose the one', () => {
    const mixed = { errorCount: 3, failureCounts: { auth: 2, rate_limit: 1 }, cooldownUntil: soon };
    expect(after(mixed)).toEqual({ errorCount: 1, failureCounts: { rate_limit: 1 }, cooldownUntil: soon });
  });

  it('in a file that cannot be read are let be', () => {
    expect(liftAuthMarks('{', id)).toBe('{');
  });
});

describe('a new profile', () => {
  const credential: Credential = {
    kind: 'oauth',
    provider: 'anthropic',
    access: secret(),
    refresh: secret(),
    expiresAt: now + hour,
    details: { accountId: 'a', type: 'token', access: 'x' },
  };
  const options = { localOffsetMs: 0 };

  it('makes a store, or joins one in its own style', () => {
    const made = createProfile(undefined, id, credential, 'full', options) ?? '';
    expect(made.endsWith('}\n')).toBe(true);
    expect(parse(made).first).toMatchObject({ health: 'sound', account: 'oauth:anthropic/a' });
    const tabs = `${JSON.stringify({ version: 1, profiles: { 'xai:a': oauth() } }, null, '\t')}`.replaceAll(
      '\n',
      '\r\n',
    );
    const joined = createProfile(tabs, id, credential, 'bearer', options) ?? '';
    expect(joined).toMatch(/\r\n\t\t"anthropic:default": \{\r\n\t\t\t"type": "oauth",/);
    expect(JSON.parse(joined).profiles[id]).toEqual({
      type: 'oauth',
      provider: 'anthropic',
      access: credential.access,
      expires: now + hour,
      accountId: 'a',
    });
  });

  it('never takes the place of one that is there', () => {
    expect(createProfile(store({ [id]: oauth() }), id, credential, 'full', options)).toBeUndefined();
    expect(editCredential(store({ [id]: { type: 'token' } }), id, credential, 'full', options)).toBeUndefined();
    expect(editCredential(store({}), id, credential, 'full', options)).toBeUndefined();
  });
});
