import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ToolName, tools } from '@authmesh/agent/core/tools';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ReadContext } from './auth-profiles.ts';
import { createDeliverer, type DeliveryDeps } from './delivery.ts';
import { toolFormats } from './formats/tool-formats.ts';
import { adapterOf } from './store-adapter.ts';
import type { Delivery } from './store-change.ts';
import { describeStorePort } from './store-port-contract.ts';
import { parseRead } from './store-write.ts';

const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const secret = (): string => randomBytes(24).toString('base64url');
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const webToken = (claims: object): string => [part({ alg: 'none' }), part(claims), secret()].join('.');
const end = Math.floor((Date.now() + hour) / 1_000);

interface Sample {
  /** A file as the tool writes it, with a login of its own. */
  readonly file: () => Record<string, unknown>;
  readonly account: string;
  /** The login's fields as they have to stand after a delivery. */
  readonly written: (credential: Credential) => object;
  /** One that does not understand the tool's file any more, and one without a login. */
  readonly strange: object;
  readonly without: object;
}

const samples: Readonly<Record<ToolName, Sample>> = {
  'codex-cli': {
    file: () => ({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: webToken({ email: 'someone@example.test' }),
        access_token: webToken({ sub: 'user_1', exp: end }),
        refresh_token: secret(),
        account_id: 'acct_1',
      },
      last_refresh: '2026-11-01T00:00:00.000Z',
    }),
    account: 'oauth:codex-cli/acct_1',
    written: ({ access, refresh = '' }) => ({ tokens: { access_token: access, refresh_token: refresh } }),
    strange: { tokens: 'none' },
    without: { OPENAI_API_KEY: 'none', tokens: null },
  },
  'claude-code': {
    file: () => ({
      claudeAiOauth: {
        accessToken: secret(),
        refreshToken: secret(),
        expiresAt: end * 1_000,
        scopes: ['user:inference'],
      },
      mcpOAuth: { other: { accessToken: 'its own' } },
    }),
    account: 'oauth:claude-code/claude-code:default',
    written: ({ access, refresh, expiresAt }) => ({
      claudeAiOauth: { accessToken: access, refreshToken: refresh, expiresAt },
    }),
    strange: { claudeAiOauth: [] },
    without: { mcpOAuth: {} },
  },
  'gemini-cli': {
    file: () => ({
      access_token: secret(),
      refresh_token: secret(),
      scope: 'openid',
      token_type: 'Bearer',
      id_token: webToken({ sub: '17', email: 'Someone@example.test' }),
      expiry_date: end * 1_000,
    }),
    account: 'oauth:gemini-cli/someone@example.test',
    written: ({ access, refresh, expiresAt }) => ({
      access_token: access,
      refresh_token: refresh,
      expiry_date: expiresAt,
    }),
    strange: [] as object,
    without: { type: 'service_account', private_key: 'none' },
  },
};

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-tool-')));
});

/** What the port shows of a file. */
function shown(path: string): string | undefined {
  const read = adapterOf(path).read(path);
  return read.state === 'read' ? read.text : undefined;
}

for (const tool of tools) {
  describeStorePort(`the file of ${tool}`, folder => {
    const { fileName } = toolFormats[tool];
    const path = join(folder, fileName);
    return {
      path,
      text: () => shown(path),
      save: view => writeFileSync(path, JSON.parse(view).file),
      make(others = {}) {
        const elsewhere = join(mkdtempSync(join(folder, 'made-')), fileName);
        writeFileSync(elsewhere, JSON.stringify({ ...others, ...samples[tool].file() }, null, 2));
        return shown(elsewhere) ?? '';
      },
    };
  });
}

describe.each(tools)('the file of %s', tool => {
  const { file, account, written, strange, without } = samples[tool];
  const profile = `${tool}:default` as ProfileId;
  const context = (more: Partial<ReadContext> = {}): ReadContext => ({
    fingerprint,
    now: Date.now(),
    clockOffsetMs: 0,
    ...more,
  });
  let store: StoreId;
  beforeEach(() => {
    store = join(folder, toolFormats[tool].fileName) as StoreId;
  });
  const save = (document: unknown): Promise<void> =>
    writeFile(store, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
  const parsed = (more: Partial<ReadContext> = {}) => parseRead(adapterOf(store).read(store), context(more));
  const seenIn = (found = parsed()) => (found.seen.state === 'readable' ? found.seen.profiles[0] : undefined);
  const fresh = (): Credential & { readonly refresh: string } => ({
    kind: 'oauth',
    provider: tool,
    access: webToken({ exp: end + 60, sub: 'user_1' }),
    refresh: secret(),
    expiresAt: (end + 60) * 1_000,
    details: {},
  });
  const deliver = (change: Partial<Delivery>, deps: Partial<DeliveryDeps> = {}) => {
    const { access, refresh } = seenIn() ?? {};
    const order = {
      store,
      profile,
      expected: { access, refresh },
      credential: fresh(),
      form: 'full',
      ...change,
    } as const;
    return createDeliverer({ context, lockWaitMs: 100, ...deps }).deliver(order);
  };
  const stands = async (): Promise<Record<string, unknown>> => JSON.parse(await readFile(store, 'utf8'));

  it('is read as one login, under the name of its tool', async () => {
    await save(file());
    expect(seenIn()).toMatchObject({ profile, account, kind: 'oauth', health: 'sound', expiresAt: end * 1_000 });
    expect([...parsed().credentials.values()]).toMatchObject([{ provider: tool, refresh: expect.any(String) }]);
  });

  it('is OpenClaw’s account as well where the configuration says so', async () => {
    await save(file());
    const provider = { 'codex-cli': 'openai', 'claude-code': 'anthropic', 'gemini-cli': 'google-gemini-cli' }[tool];
    const seen = seenIn(parsed({ sharing: new Set([tool]) }));
    expect(seen?.account).toBe(account.replace(/:[^/]+/, `:${provider}`));
    expect(seenIn(parsed({ sharing: new Set(tools.filter(other => other !== tool)) }))?.account).toBe(account);
  });

  it.each(['full', 'bearer'] as const)('takes a login in its %s form, and every other field stays', async form => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string().map(name => `x${name}`),
          fc.jsonValue({ maxDepth: 2 }),
          { maxKeys: 4 },
        ),
        fc.constantFrom(0, 1, 2, 4, '\t'),
        async (others, indent) => {
          const before = { ...others, ...file() };
          await writeFile(store, JSON.stringify(before, null, indent), { mode: 0o600 });
          const credential = fresh();
          const outcome = await deliver({ credential, form });
          expect(outcome).toMatchObject({ result: 'written', seen: { access: fingerprint(credential.access) } });
          const after = await stands();
          const wanted = written(form === 'full' ? credential : { ...credential, refresh: undefined });
          expect(after).toMatchObject(JSON.parse(JSON.stringify(wanted)));
          expect(seenIn()?.refresh).toBe(form === 'full' ? fingerprint(credential.refresh) : undefined);
          expect(withoutLogin(after)).toEqual(withoutLogin(JSON.parse(JSON.stringify(before))));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('loses its refresh token and nothing else where that is all that is to go', async () => {
    const before = file();
    await save(before);
    const { access } = [...parsed().credentials.values()][0] ?? { access: '' };
    const credential = { ...fresh(), access };
    expect(await deliver({ credential, form: 'bearer', takesRefreshOnly: true })).toMatchObject({ result: 'written' });
    expect(seenIn()).toMatchObject({ access: fingerprint(access), refresh: undefined });
    expect(withoutLogin(await stands())).toEqual(withoutLogin(before));
  });

  it('keeps its mode, and a save of its tool that met the delivery', async () => {
    await save(file());
    await chmod(store, 0o640);
    const last = file();
    const outcome = await deliver({}, { at: step => (step === 'edited' ? save(last) : undefined) });
    expect(outcome).toEqual({ result: 'changed' });
    expect(await stands()).toEqual(last);
    expect((await stat(store)).mode & 0o777).toBe(0o640);
  });

  it('ends when it says so by the issuer’s clock or this host’s, whatever time it is here', async () => {
    await save(file());
    const clockOffsetMs = 2 * hour;
    const found = parsed({ clockOffsetMs, now: Date.now() + clockOffsetMs });
    // Codex's token is dated by the issuer, the other files by this host.
    const isDated = tool === 'codex-cli';
    expect(seenIn(found)?.expiresAt).toBe(end * 1_000 + (isDated ? clockOffsetMs : 0));
    const [credential] = found.credentials.values();
    expect(credential?.expiresAt).toBe(end * 1_000 - (isDated ? 0 : clockOffsetMs));
  });

  it('loses no token to a process that died while it wrote', async () => {
    await save(file());
    const left = join(folder, '.authmesh-4194303-0123456789abcdef.tmp');
    await writeFile(left, 'a whole file');
    expect(await deliver({})).toMatchObject({ result: 'written' });
    await expect(stat(left)).rejects.toThrow('ENOENT');
  });

  it('is set aside where it is not what its tool writes, and has no login where it has none', async () => {
    await save(strange);
    expect(parsed().seen).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(/^it(s| is)/) });
    await writeFile(store, '{"half":');
    expect(parsed()).toMatchObject({ seen: { state: 'quarantined', reason: 'it is not JSON: it ends in the middle' } });
    await save(without);
    expect(parsed().seen).toMatchObject({ state: 'readable', profiles: [] });
    await rm(store);
    expect(parsed().seen).toEqual({ state: 'absent' });
  });

  it('is never made', async () => {
    const outcome = await deliver({ isNew: true });
    expect(outcome).toMatchObject({ result: 'failed', reason: expect.stringContaining('log in once with') });
    await expect(stat(store)).rejects.toThrow('ENOENT');
  });
});

/** What of a tool's file is no part of its login. */
function withoutLogin(document: Record<string, unknown>): unknown {
  const own = new Set([
    'access_token',
    'refresh_token',
    'expiry_date',
    'accessToken',
    'refreshToken',
    'expiresAt',
    'last_refresh',
  ]);
  return JSON.parse(JSON.stringify(document, (name, value) => (own.has(name) ? undefined : value)));
}
