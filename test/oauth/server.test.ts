import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, refreshAt } from './client.ts';
import { type OAuthServer, type OAuthServerOptions, startOAuthServer } from './server.ts';

let folder: string;
let running: OAuthServer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-oauth-'));
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(options: Partial<OAuthServerOptions> = {}): Promise<OAuthServer> {
  running = await startOAuthServer({ folder, lifeSeconds: 60, ...options });
  return running;
}

const useAt = async (server: OAuthServer, access: string) =>
  (await ask(server, server.resourceUrl, undefined, { authorization: `Bearer ${access}` })).status;

describe.each(['opaque', 'jwt'] as const)('the OAuth server with %s access tokens', format => {
  it('rotates, and ends the family of a token that is used twice', async () => {
    const server = await start({ format });
    const [first, other] = [await server.issue('ann'), await server.issue('bob')];
    expect(await useAt(server, first.access)).toBe(200);
    const second = await refreshAt(server, first.refresh);
    expect(second.status).toBe(200);
    expect(await useAt(server, second.access)).toBe(200);
    expect(await refreshAt(server, first.refresh)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await refreshAt(server, second.refresh)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect([first.access, second.access].map(server.isAccessGood)).toEqual([false, false]);
    expect(await useAt(server, second.access)).toBe(401);
    expect(await useAt(server, other.access)).toBe(200);
    const counts = { exchanges: 1, refused: 2, reuses: 1, graced: 0 };
    expect(server.counts('ann')).toEqual({ ...counts, uses: 2, deniedUses: 1 });
    expect(server.counts()).toEqual({ ...counts, uses: 3, deniedUses: 1 });
  });

  it('gives one of two that come at once the new pair, and knows the other for a reuse', async () => {
    const server = await start({ format });
    const { refresh } = await server.issue('ann');
    const answers = await Promise.all([refreshAt(server, refresh), refreshAt(server, refresh)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(server.counts('ann')).toMatchObject({ exchanges: 1, reuses: 1 });
  });
});

describe('the OAuth server', () => {
  it('ends access tokens when their time is over', async () => {
    const server = await start({ lifeSeconds: 1 });
    const { access, expiresAt } = await server.issue('ann');
    expect(await useAt(server, access)).toBe(200);
    await wait(expiresAt + 5 - Date.now());
    expect(server.isAccessGood(access)).toBe(false);
    expect(await useAt(server, access)).toBe(401);
  });

  it('takes a spent token again within its grace, as long as its successor is not spent', async () => {
    const server = await start();
    server.behave({ graceMs: 60_000 });
    const { refresh } = await server.issue('ann');
    const second = await refreshAt(server, refresh);
    const again = await refreshAt(server, refresh);
    expect([second.status, again.status]).toEqual([200, 200]);
    expect(server.counts()).toMatchObject({ exchanges: 2, graced: 1, reuses: 0 });
    expect((await refreshAt(server, again.refresh)).status).toBe(200);
    expect((await refreshAt(server, refresh)).error).toBe('invalid_grant');
    expect(server.counts()).toMatchObject({ graced: 1, reuses: 1 });
  });

  it('waits for its hook at both stages, which sees what was spent, and may still change what happens', async () => {
    const server = await start();
    const { refresh } = await server.issue('ann');
    const seen: string[] = [];
    server.watch(async (stage, subject) => {
      await Promise.resolve();
      seen.push(`${stage} ${subject} ${server.counts().exchanges}`);
      if (stage === 'rotated') server.behave({ cutBeforeAnswer: true });
    });
    await expect(refreshAt(server, refresh)).rejects.toThrow(/socket hang up/);
    expect(seen).toEqual(['received ann 0', 'rotated ann 1']);
    server.watch(() => server.behave({ cutBeforeRotation: true }));
    await expect(refreshAt(server, refresh)).rejects.toThrow(/socket hang up/);
    expect(server.counts(), 'it was presented again, and nothing was spent').toMatchObject({ exchanges: 1, reuses: 1 });
  });
});
