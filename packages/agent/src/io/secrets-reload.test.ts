import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReloader, type Reloader, type ReloadSettings } from './secrets-reload.ts';

let folder: string;
let command: string;
let settings: ReloadSettings;
let reloader: Reloader;
let reloaded: string[];
let troubled: string[];

/** Stands for OpenClaw's command line: says what it was asked, prints `words` and ends with `status`. */
async function program(status: number, words = ''): Promise<void> {
  const script = `#!/bin/sh\necho "$OPENCLAW_STATE_DIR $OPENCLAW_NO_RESPAWN $*" >> ${folder}/calls\necho '${words}' >&2\nexit ${status}\n`;
  await writeFile(command, script);
  await chmod(command, 0o755);
}

const calls = async () => (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-reload-'));
  command = join(folder, 'openclaw');
  settings = { command, when: 'auto' };
  reloaded = [];
  troubled = [];
  reloader = createReloader({
    settings: () => settings,
    onReloaded: stateDir => reloaded.push(stateDir),
    onTrouble: (_, { reason }) => troubled.push(reason),
    gatherMs: 20,
    retryMs: 100,
  });
});
afterEach(() => reloader.close());

const host = (gatewaySees: 'all' | 'logins' | 'nothing', stateDir = '/home/claw/.openclaw') => ({
  stateDir,
  gatewaySees,
});

describe('the reload after a delivery', () => {
  it('is one for a burst of deliveries, and one for each state folder', async () => {
    await program(0);
    for (let delivery = 0; delivery < 5; delivery++) reloader.written(host('nothing'), false);
    reloader.written(host('nothing', '/srv/openclaw'), false);
    await reloader.settled();
    expect((await calls()).toSorted()).toEqual([
      '/home/claw/.openclaw 1 secrets reload --json',
      '/srv/openclaw 1 secrets reload --json',
    ]);
    expect(reloaded.toSorted()).toEqual(['/home/claw/.openclaw', '/srv/openclaw']);
  });

  it('is made again for what was written while one was under way', async () => {
    await program(0);
    reloader.written(host('nothing'), false);
    const first = reloader.settled();
    reloader.written(host('nothing'), false);
    await first;
    expect(await calls()).toHaveLength(2);
  });

  it.each([
    ['all', false, 'auto', 0],
    ['all', true, 'auto', 0],
    ['all', false, 'always', 1],
    ['logins', false, 'auto', 0],
    ['logins', true, 'auto', 1],
    ['nothing', false, 'auto', 1],
    ['nothing', true, 'never', 0],
  ] as const)(
    'of a gateway that sees %s, a cooldown lifted: %s, by `reload` %s: %d',
    async (sees, paused, when, count) => {
      await program(0);
      settings = { command, when };
      reloader.written(host(sees), paused);
      await reloader.settled();
      expect(await calls()).toHaveLength(count);
    },
  );

  it('needs no gateway: one that starts later reads what stands there', async () => {
    await program(
      1,
      '{"ok":false,"error":{"message":"Gateway not reachable at ws://127.0.0.1:18789 (ECONNREFUSED)."}}',
    );
    reloader.written(host('nothing'), false);
    await reloader.settled();
    expect(reloader.trouble('/home/claw/.openclaw')).toBeUndefined();
  });

  it.each([
    [1, 'gateway connect failed: scope upgrade pending approval', /waits for an approval/, /devices approve/],
    [1, 'error: unknown command secrets', /has no `secrets reload`/, /"never"/],
    [3, 'something else', /ended with status 3/, /secrets reload` on this host/],
    [127, '', /is not found/, /`openclaw.command`/],
  ])('that ends with %d and "%s" is trouble with a way out, said once', async (status, words, reason, mend) => {
    await program(status, words);
    for (let time = 0; time < 2; time++) {
      reloader.written(host('nothing'), false);
      await reloader.settled();
    }
    expect(reloader.trouble('/home/claw/.openclaw')).toMatchObject({
      reason: expect.stringMatching(reason),
      mend: expect.stringMatching(mend),
    });
    expect(troubled).toHaveLength(1);
    // What mends it needs no delivery to be noticed.
    await program(0);
    await expect.poll(() => reloader.trouble('/home/claw/.openclaw')).toBeUndefined();
    expect(reloaded).toEqual(['/home/claw/.openclaw']);
  });

  it('is no trouble any more where nobody wants it', async () => {
    await program(1, 'error: unknown command');
    reloader.written(host('nothing'), false);
    await reloader.settled();
    settings = { command, when: 'never' };
    expect(reloader.trouble('/home/claw/.openclaw')).toBeUndefined();
  });

  it('leaves nothing running that the command started', async () => {
    // The pipe ends when nobody holds it open for writing any more.
    const pipe = join(folder, 'pipe');
    execFileSync('/bin/sh', ['-c', `mkfifo ${pipe}`]);
    await writeFile(command, `#!/bin/sh\nexec 3> ${pipe}\nsleep 300 &\nexit 0\n`);
    await chmod(command, 0o755);
    const ended = readFile(pipe, 'utf8');
    reloader.owed('/home/claw/.openclaw');
    await reloader.settled();
    expect(await ended).toBe('');
  });

  it('ends with its agent, and nothing is started after it', async () => {
    await writeFile(command, `#!/bin/sh\necho begun >> ${folder}/calls\nexec sleep 60\n`);
    await chmod(command, 0o755);
    reloader.written(host('nothing'), false);
    await expect.poll(calls).toEqual(['begun']);
    await reloader.close();
    reloader.written(host('nothing'), false);
    await reloader.settled();
    expect([await calls(), reloaded, troubled]).toEqual([['begun'], [], []]);
  });
});
