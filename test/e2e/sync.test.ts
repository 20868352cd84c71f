import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { type ExplainDocument, explainDocument, statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner, secret, token } from './harness/login.ts';
import { renew, share } from './harness/share.ts';
import { ownRefreshing, useStage } from './harness/stage.ts';

const stage = useStage({ agent: ownRefreshing });
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  [pcA, t440] = (await stage.hosts('pc-a', 't440')).hosts;
}, 60_000);

async function explain(host: Host, profile: string): Promise<ExplainDocument> {
  return explainDocument.parse((await host.json('explain', profile)).document);
}

describe('a fleet', () => {
  it('heals an old file that is put back and says why, and spreads it nowhere', async () => {
    const login = owner();
    await share(login, pcA, t440);
    const backup = { bearer: t440.store().entry(login.profile), home: pcA.store().entry(login.profile) };
    const renewed = await renew(login, pcA, t440);
    const elsewhere = pcA.store().bytes();
    t440.store().put(login.profile, backup.home ?? {});
    await t440.store().holds(login.profile, renewed);
    expect(pcA.store().bytes().equals(elsewhere)).toBe(true);
    t440.store().put(login.profile, backup.bearer ?? {});
    await t440.store().holds(login.profile, renewed);
    // The home's own: it gets the refresh token back as well.
    pcA.store().put(login.profile, backup.home ?? {});
    await pcA.store().holds(login.profile, renewed);
    expect(pcA.store().entry(login.profile)?.refresh === renewed.refresh).toBe(true);

    const { current, history } = await explain(t440, login.profile);
    expect(current?.origin).toBe('pc-a');
    const refused = history.filter(entry => entry.verdict === 'stale' && /old file/.test(entry.why));
    expect(refused.map(entry => entry.origin).toSorted()).toEqual(['pc-a', 't440']);
  });

  it('keeps the stores of one host in step, other fields and formatting of each untouched', async () => {
    const login = owner();
    const [main, work] = [pcA.store(), pcA.store('work')];
    const first = oauth(login);
    main.put(login.profile, first);
    const usage = { lastUsed: 1, cooldownUntil: 2, failureCounts: { rate_limit: 1 } };
    const odd = { version: 1, order: { x: ['y'] }, profiles: {}, usageStats: { [login.profile]: usage }, ours: [1, 2] };
    const stale = { ...oauth(login, -hour), email: 'someone@example.test', unknown: { a: 1 } };
    const text = JSON.stringify({ ...odd, profiles: { [login.profile]: stale } }, null, 4);
    work.write(text);
    await work.holds(login.profile, first);
    const renewed = oauth(login);
    main.put(login.profile, renewed);
    await work.holds(login.profile, renewed);
    const expected = { ...stale, access: renewed.access, refresh: renewed.refresh, expires: renewed.expires };
    const wanted = JSON.stringify({ ...odd, profiles: { [login.profile]: expected } }, null, 4);
    expect(work.bytes().toString() === wanted).toBe(true);
    await pcA.accountIs(login, account => account?.copies.every(copy => copy.state === 'current') === true);
    const back = oauth(login);
    work.put(login.profile, back);
    await main.holds(login.profile, back);
  });

  it('puts nothing back where a profile was deleted, and deletes nothing elsewhere', async () => {
    const login = owner();
    await share(login, pcA, t440);
    t440.store().remove(login.profile);
    await t440.accountIs(login, account => account?.copies.length === 1);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await pcA.accountIs(login, account => account?.revision === 2);
    // Whatever comes later on this host comes after what could have been put back.
    const probe = owner();
    await share(probe, pcA, t440);
    expect(t440.store().entry(login.profile)).toBeUndefined();
    expect(pcA.store().entry(login.profile)?.access === renewed.access).toBe(true);
    expect((await t440.status()).lacks.map(({ profile }) => profile)).toContain(login.profile);
  });

  it('leaves the refresh token at home alone, also while a sign-in elsewhere moves the home', async () => {
    const login = owner();
    await share(login, pcA, t440);
    expect([pcA, t440].map(host => 'refresh' in (host.store().entry(login.profile) ?? {}))).toEqual([true, false]);
    const watched = watchRefreshTokens(login.profile, pcA, t440);
    const again = oauth(login);
    t440.store().put(login.profile, again);
    await pcA.store().holds(login.profile, again);
    await until('the former home has no refresh token', () => !('refresh' in (pcA.store().entry(login.profile) ?? {})));
    expect(t440.store().entry(login.profile)?.refresh === again.refresh).toBe(true);
    expect(await watched()).toBe(0);
    expect(await t440.account(login)).toMatchObject({ home: 't440', origin: 't440' });
  });

  it('moves the home of a login where an operator says so, and to no host that lacks it', async () => {
    const login = owner();
    const first = await share(login, pcA, t440);
    const { code, stdout } = await pcA.agent('home', login.profile, 't440', '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { home: 't440', revision: 2 }]);
    await until('the refresh token has moved', () => {
      const [there, here] = [t440, pcA].map(host => host.store().entry(login.profile)?.refresh);
      return there === first.refresh && here === undefined;
    });
    expect(pcA.store().entry(login.profile)?.access).toBe(first.access);
    const alone = owner();
    await share(alone, pcA);
    const refused = await pcA.agent('home', alone.profile, 't440');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('t440 has no copy of it: adopt it there'),
    ]);
    expect((await pcA.agent('home', alone.profile, 'nowhere')).code).toBe(1);
  });

  it('gives the refresh token to all where the provider keeps it', async () => {
    const login = owner('google-gemini-cli');
    const shared = await share(login, pcA, t440);
    // The access token was there before.
    await until('the other host has the refresh token', () => {
      return t440.store().entry(login.profile)?.refresh === shared.refresh;
    });
    await t440.accountIs(login, account => account?.copies.every(copy => copy.custody === 'full') === true);
    expect((await t440.account(login))?.copies.map(copy => copy.custody)).toEqual(['full', 'full']);
  });

  it('keeps two live logins of one account apart, and heals the one that ends', async () => {
    const login = owner();
    const first = oauth(login);
    pcA.store().put(login.profile, first);
    await pcA.accountIs(login, account => account?.state === 'fresh');
    const second = oauth(login, 6_000);
    t440.store().put(login.profile, second);
    await t440.accountIs(login, account => account?.state === 'parallel');
    expect(t440.store().entry(login.profile)).toEqual(second);
    expect(pcA.store().entry(login.profile)).toEqual(first);
    const { history } = await explain(pcA, login.profile);
    expect(history.map(({ origin, verdict }) => [origin, verdict])).toContainEqual(['t440', 'parallel']);
    expect(Date.now()).toBeLessThan(second.expires);
    await t440.store().holds(login.profile, first);
    expect(t440.store().entry(login.profile)).not.toHaveProperty('refresh');
  });

  it('goes back to an earlier login when the operator says so', async () => {
    const login = owner();
    const first = await share(login, pcA, t440);
    await renew(login, pcA, t440);
    const { history } = await explain(pcA, login.profile);
    const entry = history.find(({ verdict, revision }) => verdict === 'accepted' && revision === 1);
    const restored = await pcA.agent('restore', login.profile, '--revision', String(entry?.number));
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('refresh token has been used up')]);
    await Promise.all([pcA, t440].map(host => host.store().holds(login.profile, first)));
    await t440.accountIs(login, account => account?.copies.every(copy => copy.state === 'current') === true);
    expect((await explain(pcA, login.profile)).current?.why).toContain('operator');
    const absent = await pcA.agent('restore', login.profile, '--revision', '99');
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('no entry 99')]);
  });

  it('mixes logins of the same name only when the operator links them', async () => {
    const login = owner('anthropic');
    const mine = token(login);
    const theirs = token(login, -hour);
    pcA.store().put(login.profile, mine);
    await pcA.accountIs(login, account => account?.state === 'fresh');
    t440.store().put(login.profile, theirs);
    await t440.accountIs(login, account => account?.state === 'unlinked');
    expect(t440.store().entry(login.profile)).toEqual(theirs);
    expect((await t440.agent('status')).code).toBe(1);
    expect((await t440.agent('link', login.profile, 'pc-a', 't440')).code).toBe(0);
    await t440.store().holds(login.profile, mine);
    expect((await t440.agent('link', login.profile, 'nobody')).code).toBe(1);
  });

  it('never mixes two accounts under one profile', async () => {
    const login = owner();
    const other = { ...login, account: `${login.account}x` };
    const [mine, theirs] = [oauth(login), oauth(other, -hour)];
    pcA.store().put(login.profile, mine);
    t440.store().put(login.profile, theirs);
    await t440.accountIs(other, account => account?.state === 'expired');
    await share(owner(), pcA, t440);
    expect(t440.store().entry(login.profile)).toEqual(theirs);
    expect(pcA.store().entry(login.profile)).toEqual(mine);
  });

  it('is shown as it changes, a document a line', async () => {
    const login = owner();
    await share(login, pcA, t440);
    const watching = t440.open('status', '--watch', '--json');
    const documents = () =>
      watching
        .stdout()
        .split('\n')
        .slice(0, -1)
        .map(line => statusDocument.parse(JSON.parse(line)));
    const shown = () =>
      documents()
        .at(-1)
        ?.accounts.find(({ profiles }) => profiles.includes(login.profile));
    await until('the first document', () => shown() !== undefined);
    const before = shown()?.fingerprint;
    await renew(login, pcA, t440);
    await until('a document with the new login', () => shown()?.fingerprint !== before);
    watching.signal('SIGTERM');
    expect((await watching.ended).signal).toBeNull();
  });

  it('leaves API keys alone unless it is told otherwise', async () => {
    const login = owner('openrouter');
    pcA.store().put(login.profile, { type: 'api_key', provider: login.provider, key: secret('key') });
    await share(owner(), pcA, t440);
    expect(await pcA.account(login)).toBeUndefined();
  });
});

/** Counts, until it is asked, how often one refresh token stood in both hosts' stores at once. */
function watchRefreshTokens(profile: string, one: Host, other: Host): () => Promise<number> {
  let isOver = false;
  let found = 0;
  const watching = until('the watch over refresh tokens ends', () => {
    const [mine, theirs] = [one, other].map(host => host.store().entry(profile)?.refresh);
    if (mine !== undefined && mine === theirs) found++;
    return isOver;
  });
  return async () => {
    isOver = true;
    await watching;
    return found;
  };
}
