import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner, secret } from './harness/login.ts';
import { need, useStage } from './harness/stage.ts';

const stage = useStage();

const seconds = (ms: number): number => Math.floor((Date.now() + ms) / 1_000);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const webToken = (claims: object): string => [part({ alg: 'none' }), part(claims), secret('sig')].join('.');

/** The files of three tools as their own logins leave them, of one owner each. */
const files = {
  codex: (lifeMs: number, account = 'acct_codex') => ({
    OPENAI_API_KEY: null,
    tokens: {
      id_token: webToken({ email: 'someone@example.test' }),
      access_token: webToken({ sub: 'user_1', exp: seconds(lifeMs) }),
      refresh_token: secret('refresh'),
      account_id: account,
    },
    last_refresh: '2026-11-01T00:00:00.000Z',
  }),
  claude: (lifeMs: number) => ({
    claudeAiOauth: {
      accessToken: secret('access'),
      refreshToken: secret('refresh'),
      expiresAt: Date.now() + lifeMs,
      scopes: ['user:inference'],
    },
  }),
  gemini: (lifeMs: number) => ({
    access_token: secret('access'),
    refresh_token: secret('refresh'),
    id_token: webToken({ sub: '17', email: 'someone@example.test' }),
    expiry_date: Date.now() + lifeMs,
  }),
};

/** A tool's file on a host. */
function toolFile<Contents extends object>(host: Host, ...path: readonly string[]) {
  const file = join(dirname(host.home), ...path);
  return {
    put(contents: Contents) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(contents, null, 2), { mode: 0o600 });
    },
    read: (): Contents => JSON.parse(readFileSync(file, 'utf8')),
    is: (what: string, check: (contents: Contents) => boolean) =>
      until(`${file} ${what}`, async () => check(JSON.parse(readFileSync(file, 'utf8')))),
  };
}
const codexOf = (host: Host) => toolFile<ReturnType<typeof files.codex>>(host, '.codex', 'auth.json');
const claudeOf = (host: Host) => toolFile<ReturnType<typeof files.claude>>(host, '.claude', '.credentials.json');
const geminiOf = (host: Host) => toolFile<ReturnType<typeof files.gemini>>(host, '.gemini', 'oauth_creds.json');

async function hosts(stores: readonly unknown[], ...names: readonly string[]): Promise<readonly Host[]> {
  const fleet = await stage.fleet();
  const members: Host[] = [];
  for (const name of names) {
    const host = fleet.host(name);
    await fleet.join(host);
    host.configure({ stores });
    members.push(host);
  }
  return members;
}

async function start(...members: readonly Host[]): Promise<void> {
  for (const host of members) {
    await host.start('--log-level', 'debug');
    await host.online();
  }
}

it('keeps the logins of other tools in step where the configuration names them', async () => {
  const [pcA, t440] = (await hosts(['codex-cli', 'claude-code', 'gemini-cli'], 'pc-a', 't440')) as [Host, Host];
  const [codex, claude, gemini] = [files.codex(hour), files.claude(hour), files.gemini(hour)];
  codexOf(pcA).put(codex);
  claudeOf(pcA).put(claude);
  geminiOf(pcA).put(gemini);
  const old = { ...files.codex(-hour), added: { by: 'a later release' } };
  codexOf(t440).put(old);
  claudeOf(t440).put(files.claude(-hour));
  geminiOf(t440).put(files.gemini(-hour));
  await start(pcA, t440);

  // Codex's provider rotates: the home alone keeps the refresh token, and Codex wants the field to be there.
  await codexOf(t440).is('has the fleet’s login', ({ tokens }) => tokens.access_token === codex.tokens.access_token);
  const { tokens, ...others } = codexOf(t440).read();
  expect(tokens).toMatchObject({ refresh_token: '', account_id: 'acct_codex' });
  expect(others).toEqual({ OPENAI_API_KEY: null, added: old.added, last_refresh: expect.stringMatching(/Z$/) });
  expect(codexOf(pcA).read()).toEqual(codex);

  // Google's refresh tokens stay the same: every host may hold one.
  await geminiOf(t440).is('has the fleet’s login', ({ access_token }) => access_token === gemini.access_token);
  expect(geminiOf(t440).read().refresh_token === gemini.refresh_token).toBe(true);

  // Claude Code does not say whose login it is: an operator does.
  need(await t440.agent('link', 'claude-code:default', 'pc-a', 't440'), 'link');
  await claudeOf(t440).is(
    'has the fleet’s',
    found => found.claudeAiOauth.accessToken === claude.claudeAiOauth.accessToken,
  );
  expect(claudeOf(t440).read().claudeAiOauth).toEqual({
    accessToken: expect.any(String),
    expiresAt: claude.claudeAiOauth.expiresAt,
    scopes: ['user:inference'],
  });

  // A login made by the tool itself on the other host goes back the same way.
  const renewed = files.codex(2 * hour);
  codexOf(t440).put({ ...renewed, added: old.added } as typeof renewed);
  await codexOf(pcA).is('has the new login', found => found.tokens.access_token === renewed.tokens.access_token);

  const { tools, lacks, openclaw } = statusDocument.parse((await t440.json('status')).document);
  expect(tools.map(({ tool, isPresent }) => [tool, isPresent])).toEqual([
    ['codex-cli', true],
    ['claude-code', true],
    ['gemini-cli', true],
  ]);
  expect(lacks).toEqual([]);
  expect(openclaw.map(({ stateDir }) => stateDir)).toEqual([t440.stateDir]);
}, 60_000);

it('leaves them alone where it does not, and offers them to no OpenClaw', async () => {
  const [pcA, t440] = (await hosts(['codex-cli'], 'pc-a', 't440')) as [Host, Host];
  t440.configure({ stores: [] });
  const old = files.codex(-hour);
  codexOf(pcA).put(files.codex(hour));
  codexOf(t440).put(old);
  const [login, other] = [owner(), owner()];
  pcA.store().put(login.profile, oauth(login));
  t440.store().put(other.profile, oauth(other));
  await start(pcA, t440);
  await until('t440 knows all logins', async () => (await t440.status()).accounts.length === 3);
  expect((await t440.status()).lacks.map(({ profile }) => profile)).toEqual([login.profile]);
  const refused = await t440.agent('adopt', 'codex-cli:default');
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('the login of another tool') });
  need(await t440.agent('adopt', '--all'), 'adopt');
  expect(Object.keys(t440.store().read().profiles)).toEqual([other.profile, login.profile]);
  expect(codexOf(t440).read()).toEqual(old);
}, 60_000);

it('takes a tool’s login and OpenClaw’s for one account only where the configuration says so', async () => {
  const [pcA, t440, mac] = (await hosts(['codex-cli'], 'pc-a', 't440', 'mac')) as [Host, Host, Host];
  t440.configure({ stores: [{ tool: 'codex-cli', sharesLogins: true }] });
  const login = owner();
  const live = oauth(login);
  pcA.store().put(login.profile, live);
  const own = files.codex(hour, login.account);
  codexOf(t440).put(files.codex(-hour, login.account));
  codexOf(mac).put(own);
  await start(pcA, t440, mac);
  await codexOf(t440).is('has OpenClaw’s login', ({ tokens }) => tokens.access_token === live.access);
  expect(codexOf(t440).read().tokens.refresh_token).toBe('');
  const { accounts } = await mac.status();
  expect(accounts.map(({ account }) => account).toSorted()).toEqual(
    [`codex-cli/${login.account}`, `openai/${login.account}`].toSorted(),
  );
  expect(codexOf(mac).read()).toEqual(own);
}, 60_000);
