import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Provider } from '@authmesh/agent/core/providers';
import { type ExchangeOutcome, exchangeRefreshToken } from '@authmesh/agent/io/token-endpoint';
import { minute } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Certificate, makeCertificate } from './certificate.ts';
import {
  answerText,
  freePort,
  type RawAnswer,
  type RawServer,
  startProxy,
  startRawServer,
  startSilentServer,
} from './raw-server.ts';
import { type OAuthServer, startOAuthServer } from './server.ts';

const secret = () => randomBytes(24).toString('base64url');
/** Long enough for a connection on a busy machine, short enough to be waited for. */
const shortMs = 2_000;

let folder: string;
let trusted: Certificate;
const authorities = getCACertificates('default');
const closing: (() => Promise<void>)[] = [];

function later<Server extends { readonly stop: () => Promise<void> }>(server: Server): Server {
  closing.push(server.stop);
  return server;
}

function trust(certificates: readonly string[]): void {
  setDefaultCACertificates([...authorities, ...certificates]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-oauth-'));
  trusted = await makeCertificate();
});

beforeEach(() => {
  trust([trusted.cert]);
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'])
    vi.stubEnv(name, undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of closing.splice(0)) await stop();
});

afterAll(async () => {
  setDefaultCACertificates(authorities);
  await rm(folder, { recursive: true, force: true });
});

async function startServer(options: Partial<Parameters<typeof startOAuthServer>[0]> = {}): Promise<OAuthServer> {
  const server = later(await startOAuthServer({ folder, lifeSeconds: 60, ...options }));
  trust([trusted.cert, await readFile(server.caFile, 'utf8')]);
  return server;
}

async function startAnswering(answer: RawAnswer, certificate: Certificate | null = trusted): Promise<RawServer> {
  return later(await startRawServer(certificate, answer));
}

function login(fields: Partial<Credential> = {}): Credential {
  return {
    kind: 'oauth',
    provider: 'acme',
    access: secret(),
    refresh: secret(),
    expiresAt: Date.now(),
    details: { email: 'ann@example.com' },
    ...fields,
  };
}

function providerAt(port: number, fields: Partial<Provider> = {}): Provider {
  const tokenEndpoint = `https://127.0.0.1:${port}/token`;
  return { tokenEndpoint, clientId: 'client-1', body: 'form', rotates: true, ...fields };
}

function providerOf({ tokenEndpoint, clientId }: OAuthServer, body: Provider['body'] = 'form'): Provider {
  return { tokenEndpoint, clientId, body, rotates: true };
}

async function exchange(provider: Provider, credential: Credential, timeoutMs?: number): Promise<ExchangeOutcome> {
  const outcome = await exchangeRefreshToken({ provider, credential, now: Date.now(), timeoutMs });
  if (outcome.result !== 'renewed') {
    for (const token of [credential.access, credential.refresh ?? '-', 'body-mark'])
      expect(outcome.why.includes(token), 'a token or a body is told').toBe(false);
  }
  return outcome;
}

function whyOf(outcome: ExchangeOutcome): string {
  return outcome.result === 'renewed' ? 'renewed' : outcome.why;
}

/** An unsigned token that says what a provider's would. */
function webToken(claims: Readonly<Record<string, unknown>>): string {
  const parts = [{ alg: 'none' }, { jti: secret(), ...claims }].map(part =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [...parts, secret()].join('.');
}

const tokens = (fields: Readonly<Record<string, unknown>> = {}) => ({
  access_token: secret(),
  refresh_token: secret(),
  token_type: 'Bearer',
  expires_in: 3_600,
  ...fields,
});

/** One exchange with a server that answers 200 with `document`. */
async function exchangeFor(document: unknown, credential = login(), fields: Partial<Provider> = {}) {
  const { port } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(document))));
  return exchange(providerAt(port, fields), credential);
}

describe('renewed', () => {
  it.each([
    ['opaque', 'form'],
    ['jwt', 'form'],
    ['opaque', 'json'],
  ] as const)('by a real server: %s tokens, asked with a %s', async (format, body) => {
    const server = await startServer({ format });
    const pair = await server.issue('ann');
    const before = Date.now();
    const outcome = await exchange(providerOf(server, body), login(pair));
    const after = Date.now();
    if (outcome.result !== 'renewed') throw new Error(outcome.why);
    const { access, refresh, expiresAt, idToken, details } = outcome.credential;
    expect(access === pair.access || refresh === pair.refresh).toBe(false);
    expect(server.isAccessGood(access)).toBe(true);
    expect(idToken?.split('.')).toHaveLength(3);
    expect(expiresAt).toBeGreaterThanOrEqual(before + minute);
    expect(expiresAt).toBeLessThanOrEqual(after + minute);
    expect(details).toEqual({ email: 'ann@example.com' });
    expect(server.counts()).toMatchObject({ exchanges: 1, refused: 0, reuses: 0 });
  });

  it('sends the form of RFC 6749, with the client that the login names, its secret and further parameters', async () => {
    const { port, requests } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))));
    const clientSecret = secret();
    const credential = login({ details: { clientId: 'client-of-the-login' } });
    const parameters = { audience: 'https://api.example.com' };
    const provider = providerAt(port, { clientId: undefined, clientSecret, parameters });
    expect((await exchange(provider, credential)).result).toBe('renewed');
    expect(requests).toHaveLength(1);
    expect(requests[0]?.head).toMatch(/^POST \/token HTTP\/1\.1\r\n/);
    expect(requests[0]?.head).toMatch(/^content-type: application\/x-www-form-urlencoded/im);
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: credential.refresh,
      client_id: 'client-of-the-login',
      client_secret: clientSecret,
      audience: 'https://api.example.com',
    });
  });

  it.each([
    [
      'the operator’s, whatever the login names',
      { clientId: 'of-the-operator' },
      { clientId: 'of-the-login' },
      'of-the-operator',
    ],
    ['the login’s own, whatever the provider’s usual one', {}, { clientId: 'of-the-login' }, 'of-the-login'],
    ['the provider’s usual one', {}, {}, 'usual'],
    ['the provider’s usual one where the login’s is empty', {}, { clientId: '' }, 'usual'],
  ])('names the client: %s', async (_, stated, details, expected) => {
    const { port, requests } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))));
    const provider = providerAt(port, { clientId: undefined, defaultClientId: 'usual', ...stated });
    expect((await exchange(provider, login({ details }))).result).toBe('renewed');
    expect(new URLSearchParams(requests[0]?.body).get('client_id')).toBe(expected);
  });

  it('sends the same fields as JSON where the provider wants them so', async () => {
    const { port, requests } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))));
    const credential = login();
    expect((await exchange(providerAt(port, { body: 'json' }), credential)).result).toBe('renewed');
    expect(requests[0]?.head).toMatch(/^content-type: application\/json\r$/im);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      grant_type: 'refresh_token',
      refresh_token: credential.refresh,
      client_id: 'client-1',
    });
  });

  it('asks over plain HTTP on loopback alone', async () => {
    const { port } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))), null);
    const tokenEndpoint = `http://127.0.0.1:${port}/token`;
    expect((await exchange(providerAt(port, { tokenEndpoint }), login())).result).toBe('renewed');
  });

  it.each([
    ['is missing', { refresh_token: undefined }],
    ['is empty', { refresh_token: '' }],
  ])('keeps the refresh token where the new one %s', async (_, fields) => {
    const credential = login({ idToken: secret() });
    const { refresh, idToken } = credential;
    expect(await exchangeFor(tokens(fields), credential)).toMatchObject({
      result: 'renewed',
      credential: { refresh, idToken },
    });
  });

  it('keeps a new refresh token that came with the same access token', async () => {
    const credential = login();
    const answer = tokens({ access_token: credential.access });
    expect(await exchangeFor(answer, credential)).toMatchObject({
      result: 'renewed',
      credential: { access: credential.access, refresh: answer.refresh_token },
    });
  });

  it('takes the end from the token itself where no life is told', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const answer = tokens({ access_token: webToken({ sub: 'ann', exp }), expires_in: undefined });
    const credential = { expiresAt: exp * 1_000 };
    expect(await exchangeFor(answer)).toMatchObject({ result: 'renewed', credential });
  });

  it('knows no end where nobody tells one', async () => {
    const answer = tokens({ expires_in: undefined });
    expect(await exchangeFor(answer)).toMatchObject({ result: 'renewed', credential: { expiresAt: null } });
  });

  it.each([
    ['the answer', { expires_in: 25 * 365 * 86_400 }],
    [
      'the token',
      { access_token: webToken({ sub: 'ann', exp: Date.parse('2060-01-01') / 1_000 }), expires_in: undefined },
    ],
  ])('believes %s no end that no store would be believed', async (_, fields) => {
    expect(await exchangeFor(tokens(fields))).toMatchObject({ result: 'renewed', credential: { expiresAt: null } });
  });

  it.each([
    ['the skew off a long life', 3_600, 3_300_000],
    ['a life as text', '3600', 3_300_000],
    ['no more than leaves half a minute of a short one', 310, 30_000],
    ['nothing off a life that is shorter than that', 20, 20_000],
  ])('takes %s', async (_, seconds, lifeMs) => {
    const { port } = await startAnswering(socket =>
      socket.end(answerText(200, JSON.stringify(tokens({ expires_in: seconds })))),
    );
    const provider = providerAt(port, { expirySkewMs: 5 * minute });
    const now = 1_800_000_000_000;
    const outcome = await exchangeRefreshToken({ provider, credential: login(), now });
    expect(outcome).toMatchObject({ result: 'renewed', credential: { expiresAt: now + lifeMs } });
  });

  it('counts in whole milliseconds what is taken off by a fraction of one', async () => {
    const { port } = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))));
    const provider = providerAt(port, { expirySkewMs: 5_000.5 });
    const now = 1_800_000_000_000;
    const outcome = await exchangeRefreshToken({ provider, credential: login(), now });
    expect(outcome).toMatchObject({ result: 'renewed', credential: { expiresAt: now + 3_594_999 } });
  });

  it.each([
    ['no type', { token_type: undefined }],
    ['a type that nobody knows', { token_type: 'special' }],
    ['an ID token that is none', { id_token: 'no-jwt' }],
    ['a scope that is a list', { scope: ['a', 'b'] }],
    ['a life that is none', { expires_in: -1 }],
    ['a life without end', { expires_in: 1e300 }],
  ])('never throws tokens away for an oddity beside them: %s', async (_, fields) => {
    const answer = tokens(fields);
    const credential = { access: answer.access_token, refresh: answer.refresh_token };
    expect(await exchangeFor(answer)).toMatchObject({ result: 'renewed', credential });
  });
});

describe('an answer that is no bare JSON', () => {
  const pair = tokens();
  const json = JSON.stringify(pair);
  const form = new URLSearchParams(
    Object.entries(pair).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  const exchangeWith = async (body: Buffer | string, headers: Readonly<Record<string, string>>) => {
    const { port, requests } = await startAnswering(socket => {
      socket.write(answerText(200, '', { 'content-length': String(Buffer.byteLength(body)), ...headers }));
      socket.end(body);
    });
    const outcome = await exchange(providerAt(port), login());
    expect(requests[0]?.head).toMatch(/^accept-encoding: identity\r$/im);
    return outcome;
  };

  it.each<[string, Buffer | string, Readonly<Record<string, string>>]>([
    ['JSON after a byte order mark', `\uFEFF${json}`, {}],
    ['a form', form, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }],
    ['a form that is called a page', form, { 'content-type': 'text/html' }],
    ['JSON that is called a page', json, { 'content-type': 'text/html' }],
    ['JSON packed with gzip', gzipSync(json), { 'content-encoding': 'gzip' }],
    ['text packed with gzip', gzipSync(json), { 'content-encoding': 'x-gzip', 'content-type': 'text/plain' }],
    ['a form packed with br', brotliCompressSync(form), { 'content-encoding': 'br', 'content-type': 'text/plain' }],
    ['JSON packed with deflate', deflateSync(json), { 'content-encoding': 'deflate' }],
    ['the same without the head of zlib', deflateRawSync(json), { 'content-encoding': 'Deflate' }],
    ['JSON that is packed with nothing', json, { 'content-encoding': 'identity' }],
    ['JSON that is only said to be packed', json, { 'content-encoding': 'gzip' }],
  ])('is read: %s', async (_, body, headers) => {
    const credential = { access: pair.access_token, refresh: pair.refresh_token };
    expect(await exchangeWith(body, headers)).toMatchObject({ result: 'renewed', credential });
  });

  it.each<[string, Buffer | string, Readonly<Record<string, string>>]>([
    ['a text', 'body-mark', { 'content-type': 'text/plain' }],
    ['a text that is called a page', 'body-mark', { 'content-type': 'text/html' }],
    ['a form without tokens', 'error=bad_refresh_token', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a list', '[]', {}],
    ['XML', '<OAuth><access_token>body-mark</access_token></OAuth>', { 'content-type': 'application/xml' }],
    ['a coding that nobody knows', gzipSync(json), { 'content-encoding': 'special' }],
    ['two codings', gzipSync(gzipSync(json)), { 'content-encoding': 'gzip, gzip' }],
    ['half of a packed answer', gzipSync(json).subarray(0, -20), { 'content-encoding': 'gzip' }],
    ['more than any', gzipSync(json + ' '.repeat(64 * 1024 * 1024)), { 'content-encoding': 'gzip' }],
  ])('may be the next pair where it cannot be read: %s', async (_, body, headers) => {
    const outcome = await exchangeWith(body, headers);
    expect(outcome.result).toBe('unanswered');
    expect(whyOf(outcome)).toMatch(/ answered 200 with /);
  });

  it.each<[string, Buffer | string, Readonly<Record<string, string>>]>([
    ['by its type', '\n<!-- sign in --><p>', { 'content-type': 'text/html; charset=utf-8' }],
    ['by its beginning', '<!doctype html><a href="?access_token=body-mark&a=b">', { 'content-type': 'text/plain' }],
    ['packed', gzipSync('<html><body>'), { 'content-type': 'text/html', 'content-encoding': 'gzip' }],
  ])('is nothing of the provider’s where it is a page for people: %s', async (_, body, headers) => {
    const outcome = await exchangeWith(body, headers);
    expect(outcome.result).toBe('postponed');
    expect(whyOf(outcome)).toMatch(/ answered 200 with a page for people$/);
  });
});

describe('unsent', () => {
  const expectUnsent = async (provider: Provider, why: RegExp, credential = login(), timeoutMs?: number) => {
    const outcome = await exchange(provider, credential, timeoutMs);
    expect(outcome).toMatchObject({ result: 'unsent' });
    expect(whyOf(outcome)).toMatch(why);
  };

  it('nobody listens', async () => {
    const port = await freePort();
    await expectUnsent(providerAt(port), new RegExp(`^127\\.0\\.0\\.1:${port} cannot be reached: .*ECONNREFUSED`));
  });

  it('the name has no address', async () => {
    const tokenEndpoint = 'https://nowhere.invalid/token';
    await expectUnsent(providerAt(443, { tokenEndpoint }), /^nowhere\.invalid cannot be reached/);
  });

  it('the certificate is nobody’s whom this host trusts', async () => {
    const { port, requests } = await startAnswering(socket => socket.destroy(), await makeCertificate());
    await expectUnsent(providerAt(port), /nobody this host trusts .*NODE_EXTRA_CA_CERTS/);
    expect(requests).toEqual([]);
  });

  it('the certificate has expired', async () => {
    const expired = await makeCertificate(new Date(Date.now() - minute));
    trust([expired.cert]);
    const { port, requests } = await startAnswering(socket => socket.destroy(), expired);
    await expectUnsent(providerAt(port), /expired, or this host’s clock is wrong \(CERT_HAS_EXPIRED\)/);
    expect(requests).toEqual([]);
  });

  it('the connection never stands', async () => {
    const { port } = later(await startSilentServer());
    await expectUnsent(providerAt(port), /^no connection to 127\.0\.0\.1:\d+ came about within 0\.3 s$/, login(), 300);
  });

  it('the proxy refuses the tunnel', async () => {
    const proxy = later(await startProxy(407));
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { port, requests } = await startAnswering(socket => socket.destroy());
    await expectUnsent(providerAt(port), /the proxy refuses a tunnel to it \(407\)$/);
    expect(proxy.targets).toEqual([`127.0.0.1:${port}`]);
    expect(requests).toEqual([]);
  });

  it('the proxy is not there', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await freePort()}`);
    await expectUnsent(providerAt(443), /\(ECONNREFUSED\); a proxy is set/);
  });

  it('the proxy never answers', async () => {
    const { port } = later(await startSilentServer());
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
    await expectUnsent(providerAt(443), /came about within 0\.3 s$/, login(), 300);
  });

  it('the proxy is no URL', async () => {
    vi.stubEnv('HTTPS_PROXY', 'not a proxy');
    await expectUnsent(providerAt(443), /cannot be asked: HTTPS_PROXY or HTTP_PROXY is not a URL$/);
  });

  it.each([
    ['nobody names a client', { clientId: undefined }, login(), /names a client id for 127/],
    ['there is no refresh token', {}, login({ refresh: undefined }), /has no refresh token/],
    ['the endpoint is no URL', { tokenEndpoint: 'acme' }, login(), /is not a URL/],
    ['the endpoint is plain HTTP', { tokenEndpoint: 'http://login.example.com/' }, login(), /is not HTTPS/],
  ])('%s', async (_, fields, credential, why) => {
    await expectUnsent(providerAt(443, fields), why, credential);
  });
});

describe('postponed', () => {
  it.each([
    [
      { status: 429, retryAfter: '17' },
      { retryAfterMs: 17_000, why: / answered 429 temporarily_unavailable$/ },
    ],
    [{ status: 503 }, { why: / answered 503 temporarily_unavailable$/ }],
    [{ status: 403, html: true }, { why: / answered 403 with a page for people$/ }],
    [{ html: true }, { why: / answered 200 with a page for people$/ }],
  ] as const)('by a real server that behaves as %o', async (behaviour, { why, ...more }) => {
    const server = await startServer();
    const pair = await server.issue('ann');
    server.behave(behaviour);
    const outcome = await exchange(providerOf(server), login(pair));
    expect(outcome).toMatchObject({ result: 'postponed', ...more });
    expect(whyOf(outcome)).toMatch(why);
    server.behave({});
    expect((await exchange(providerOf(server), login(pair))).result).toBe('renewed');
  });

  it('tells a Retry-After that is a date as a time from now', async () => {
    const [date, until] = [Date.now(), Date.now() + 90_000].map(at => new Date(at).toUTCString());
    const headers = { date: date ?? '', 'retry-after': until ?? '' };
    const { port } = await startAnswering(socket => socket.end(answerText(429, '{}', headers)));
    expect(await exchange(providerAt(port), login())).toMatchObject({ result: 'postponed', retryAfterMs: 90_000 });
  });

  it('follows no redirection', async () => {
    const elsewhere = await startAnswering(socket => socket.end(answerText(200, JSON.stringify(tokens()))));
    const location = `https://127.0.0.1:${elsewhere.port}/token`;
    const { port } = await startAnswering(socket => socket.end(answerText(307, '', { location })));
    const outcome = await exchange(providerAt(port), login());
    expect(outcome.result).toBe('postponed');
    expect(whyOf(outcome)).toMatch(/ 307 and points elsewhere, which is not followed$/);
    expect(elsewhere.requests).toEqual([]);
  });

  it('by an error that is none of the token’s', async () => {
    const server = await startServer();
    const outcome = await exchange({ ...providerOf(server), clientId: 'another' }, login(await server.issue('ann')));
    expect(outcome.result).toBe('postponed');
    expect(whyOf(outcome)).toMatch(/ answered 401 invalid_client$/);
  });

  it('by the tokens that were to be renewed', async () => {
    const credential = login();
    const answer = tokens({ access_token: credential.access, refresh_token: credential.refresh });
    expect((await exchangeFor(answer, credential)).result).toBe('postponed');
    const { refresh_token: _, ...without } = answer;
    expect((await exchangeFor(without, credential)).result).toBe('postponed');
  });
});

describe('refused', () => {
  it('a spent token, by a real server; what it had bought dies with it', async () => {
    const server = await startServer();
    const pair = await server.issue('ann');
    const first = await exchange(providerOf(server), login(pair));
    if (first.result !== 'renewed') throw new Error(first.why);
    const second = await exchange(providerOf(server), login(pair));
    expect(second.result).toBe('refused');
    expect(whyOf(second)).toMatch(/^127\.0\.0\.1:\d+ answered 400 invalid_grant$/);
    expect(server.isAccessGood(first.credential.access)).toBe(false);
    expect(server.counts()).toMatchObject({ exchanges: 1, refused: 1, reuses: 1 });
  });

  it('a login that was ended elsewhere', async () => {
    const server = await startServer();
    const pair = await server.issue('ann');
    await server.revoke('ann');
    expect((await exchange(providerOf(server), login(pair))).result).toBe('refused');
    expect(server.counts()).toMatchObject({ refused: 1, reuses: 0 });
  });

  it('in OpenAI’s words', async () => {
    const body = JSON.stringify({ error: { code: 'refresh_token_reused', message: 'body-mark' } });
    const { port } = await startAnswering(socket => socket.end(answerText(401, body)));
    const outcome = await exchange(providerAt(port), login());
    expect(outcome.result).toBe('refused');
    expect(whyOf(outcome)).toMatch(/ answered 401 refresh_token_reused$/);
  });

  it.each([
    ['subject', 'acme', { sub: 'ann' }, { sub: 'bob' }],
    [
      'account id of one user',
      'openai',
      { sub: 'ann', 'https://api.openai.com/auth': { chatgpt_account_id: 'a' } },
      { sub: 'ann', 'https://api.openai.com/auth': { chatgpt_account_id: 'b' } },
    ],
  ])('another %s in the answer', async (_, provider, before, after) => {
    const credential = login({ provider, access: webToken(before) });
    const why = 'the provider answered with the login of another account';
    expect(await exchangeFor(tokens({ access_token: webToken(after) }), credential)).toEqual({
      result: 'refused',
      why,
    });
    expect((await exchangeFor(tokens({ access_token: webToken(before) }), credential)).result).toBe('renewed');
  });
});

describe('unanswered', () => {
  const expectUnanswered = async (answer: RawAnswer, why: RegExp) => {
    const { port, requests } = await startAnswering(answer);
    const outcome = await exchange(providerAt(port), login());
    expect(outcome).toMatchObject({ result: 'unanswered' });
    expect(whyOf(outcome)).toMatch(why);
    expect(requests, 'it is never sent twice').toHaveLength(1);
  };

  it('the server spends the token and takes its time', async () => {
    const server = await startServer();
    const pair = await server.issue('ann');
    server.behave({ delayMs: 60_000 });
    const outcome = await exchange(providerOf(server), login(pair), shortMs);
    expect(outcome.result).toBe('unanswered');
    expect(whyOf(outcome)).toMatch(/ gave no answer within 2 s$/);
    expect(server.counts()).toMatchObject({ exchanges: 1 });
  });

  it.each([
    ['after', { cutBeforeAnswer: true }, 1],
    ['before', { cutBeforeRotation: true }, 0],
  ])('the server cuts the connection %s it spent the token', async (_, behaviour, exchanges) => {
    const server = await startServer();
    const pair = await server.issue('ann');
    server.behave(behaviour);
    const outcome = await exchange(providerOf(server), login(pair));
    expect(outcome.result).toBe('unanswered');
    expect(whyOf(outcome)).toMatch(/was cut before it answered/);
    expect(server.counts().exchanges).toBe(exchanges);
  });

  it('a reset instead of an answer', () =>
    expectUnanswered(socket => {
      socket.destroy();
    }, /was cut before it answered/));

  it('half an answer', () => {
    const whole = answerText(200, JSON.stringify(tokens()));
    return expectUnanswered(socket => {
      socket.end(whole.slice(0, -20));
    }, /was cut in the middle of its answer 200/);
  });

  it('JSON that breaks off in an answer that is whole', () => {
    const body = JSON.stringify(tokens()).slice(0, -20);
    return expectUnanswered(socket => {
      socket.end(answerText(200, body));
    }, / answered 200 with JSON that breaks off$/);
  });

  it('an answer of nothing', () =>
    expectUnanswered(socket => {
      socket.end(answerText(200, ''));
    }, / answered 200 with nothing$/));

  it.each([
    ['missing', { access_token: undefined }, /without an access token$/],
    ['empty', { access_token: ' ' }, /without an access token$/],
    ['longer than any', { access_token: 'x'.repeat(40_000) }, /with a token of more than 32 KiB$/],
  ])('an access token that is %s', (_, fields, why) =>
    expectUnanswered(socket => {
      socket.end(answerText(200, JSON.stringify(tokens(fields))));
    }, why),
  );

  it('an answer without end', () =>
    expectUnanswered(socket => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"${'x'.repeat(2 * 1024 * 1024)}`);
    }, / answered 200 with JSON that breaks off$/));

  it('but no reset before the connection stands: nothing was written then', async () => {
    const { port } = later(
      await startSilentServer(socket => {
        socket.once('data', () => socket.resetAndDestroy());
      }),
    );
    const outcome = await exchange(providerAt(port), login());
    expect(outcome).toMatchObject({ result: 'unsent' });
    expect(whyOf(outcome)).toMatch(/cannot be reached.*\(ECONNRESET\)$/);
  });
});

describe('proxies', () => {
  it('are used where HTTPS_PROXY names one', async () => {
    const proxy = later(await startProxy());
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const server = await startServer();
    expect((await exchange(providerOf(server), login(await server.issue('ann')))).result).toBe('renewed');
    expect(proxy.targets).toEqual([new URL(server.tokenEndpoint).host]);
  });

  it('are left aside where NO_PROXY says so', async () => {
    const proxy = later(await startProxy());
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('NO_PROXY', 'example.com,127.0.0.1');
    const server = await startServer();
    expect((await exchange(providerOf(server), login(await server.issue('ann')))).result).toBe('renewed');
    expect(proxy.targets).toEqual([]);
  });

  it('see nothing of what goes to this host without TLS', async () => {
    const proxy = later(await startRawServer(null, socket => socket.end(answerText(502, ''))));
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${proxy.port}`);
    const { port, requests } = await startAnswering(
      socket => socket.end(answerText(200, JSON.stringify(tokens()))),
      null,
    );
    const outcome = await exchange(providerAt(port, { tokenEndpoint: `http://127.0.0.1:${port}/token` }), login());
    expect([outcome.result, requests.length, proxy.requests.length]).toEqual(['renewed', 1, 0]);
  });
});

describe('a process of its own', () => {
  /** Exchanges once, and says which of the two libraries were there before and after. */
  const program = `
    import { createRequire } from 'node:module';
    import { exchangeRefreshToken } from '@authmesh/agent/io/token-endpoint';
    const hasUndici = () => Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('/undici/'));
    const before = hasUndici();
    const { result } = await exchangeRefreshToken({ ...JSON.parse(process.env.EXCHANGE), now: Date.now() });
    console.log(JSON.stringify({ before, result, after: hasUndici() }));
  `;
  const run = async (server: OAuthServer, environment: Readonly<Record<string, string>>) => {
    const EXCHANGE = JSON.stringify({ provider: providerOf(server), credential: login(await server.issue('ann')) });
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      env: { PATH: process.env.PATH, EXCHANGE, ...environment },
    });
    return JSON.parse(stdout) as unknown;
  };

  it('trusts what NODE_EXTRA_CA_CERTS names, and loads the HTTP client when it first asks', async () => {
    const server = await startServer();
    const found = await run(server, { NODE_EXTRA_CA_CERTS: server.caFile });
    expect(found).toEqual({ before: false, result: 'renewed', after: true });
  });

  it('sends nothing without it', async () => {
    const server = await startServer();
    expect(await run(server, {})).toMatchObject({ result: 'unsent' });
    expect(server.counts()).toMatchObject({ exchanges: 0, refused: 0 });
  });
});
