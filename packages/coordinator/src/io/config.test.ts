import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationSchema } from '@authmesh/shared/node/configuration-fields';
import { operatorSentence } from '@authmesh/shared/node/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadCoordinatorConfig } from './config.ts';
import { coordinatorFile, parseListen } from './coordinator-file.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'authmesh-coordinator-config-'));
});
const write = (value: unknown) => writeFile(join(dataDir, 'coordinator.json'), JSON.stringify(value));
async function sentenceOf(value: unknown): Promise<string> {
  await write(value);
  const loaded = loadCoordinatorConfig({ dataDir, environment: {} });
  return operatorSentence(
    await loaded.then(
      () => '',
      (error: unknown) => error,
    ),
  );
}

describe('coordinator.json', () => {
  it('takes preferred refreshers as a list, or by patterns of logins', async () => {
    const preferred = async (prefer: unknown) => {
      await write({ refresh: { prefer } });
      return (await loadCoordinatorConfig({ dataDir, environment: {} })).settings.prefer;
    };
    expect(await preferred(['pc-a', 't440'])).toEqual({ '*': ['pc-a', 't440'] });
    expect(await preferred({ 'anthropic*': ['pc-a'] })).toEqual({ 'anthropic*': ['pc-a'] });
    expect(await sentenceOf({ refresh: { prefer: 'pc-a' } })).toContain('expected a list of node names, or an object');
  });

  it('is as the reference shows it', async () => {
    await write({
      listen: '127.0.0.1:7420',
      publicUrl: 'wss://coordinator.example',
      store: 'sqlite',
      pools: [{ name: 'techsfree-web', match: ['openai*'], limit: 4, settleSeconds: 20 }],
      alerts: [],
    });
    const { settings } = await loadCoordinatorConfig({ dataDir, environment: {} });
    expect(settings).toEqual({
      listen: { host: '127.0.0.1', port: 7420 },
      publicUrls: ['wss://coordinator.example'],
      store: 'sqlite',
      pools: [{ name: 'techsfree-web', match: ['openai*'], limit: 4, settleMs: 20_000 }],
      channels: [],
      alerts: { channels: [], messagesPerHour: 30, nodeSilentMs: 15 * 60_000 },
      heartbeat: { url: undefined, everyMs: 60_000 },
      profiles: { allow: ['*'], deny: [] },
      prefer: {},
      audit: { ageMsMax: 90 * 86_400_000, entriesMax: 100_000 },
      halfOpenMax: 8_192,
      logLevel: 'info',
    });
  });

  it('takes flags over variables over the file', async () => {
    await write({ listen: '0.0.0.0:1', publicUrl: ['ws://a'] });
    const environment = { AUTHMESH_LISTEN: '0.0.0.0:2', AUTHMESH_PUBLIC_URL: 'ws://b,ws://c' };
    const byVariable = await loadCoordinatorConfig({ dataDir, environment });
    expect(byVariable.settings).toMatchObject({ listen: { port: 2 }, publicUrls: ['ws://b', 'ws://c'] });
    const flags = { '--listen': '[::1]:0', '--public-url': 'wss://d,wss://e' };
    const byFlag = await loadCoordinatorConfig({ dataDir, environment, flags });
    expect(byFlag.settings).toMatchObject({ listen: { host: '::1', port: 0 }, publicUrls: ['wss://d', 'wss://e'] });
    expect(byFlag.configuration.origins).toContainEqual({ field: 'listen', value: '[::1]:0', origin: '--listen' });
  });

  it('names channels by their kind or as it says, and shows nothing of them', async () => {
    const url = 'https://hooks.example/of-the-test';
    await write({
      alerts: [
        { kind: 'slack', url },
        { kind: 'ntfy', name: 'phone', url, severity: 'critical' },
      ],
    });
    const { settings, configuration } = await loadCoordinatorConfig({ dataDir, environment: {} });
    expect(settings.alerts.channels).toEqual([
      { name: 'slack', criticalOnly: false },
      { name: 'phone', criticalOnly: true },
    ]);
    expect(JSON.stringify(configuration.origins)).not.toContain('of-the-test');
  });

  it.each([
    [{ alerts: [{ kind: 'pager' }] }, 'field "alerts[0].kind"'],
    [{ alerts: [{ kind: 'slack' }] }, 'expected "url", or "token" and "channel"'],
    [{ alerts: [{ kind: 'webhook', url: 'hooks.example' }] }, 'expected an http or https URL'],
    [{ alerts: [{ kind: 'webhook', url: 'http://a', colour: 'red' }] }, 'field "alerts[0].colour"'],
    [{ alerts: [{ kind: 'command', command: [] }] }, 'expected a program'],
    [{ alerts: Array(2).fill({ kind: 'ntfy', url: 'http://a/b' }) }, 'there are two channels called "ntfy"'],
    [{ heartbeatUrl: 'monitor.example' }, 'expected an http or https URL'],
    [{ halfOpenMax: 0 }, 'field "halfOpenMax", is 0'],
    [{ listen: 'here' }, 'field "listen", is "here": expected HOST:PORT'],
    [{ listen: 'a:70000' }, 'field "listen", is "a:70000": expected HOST:PORT'],
    [{ publicUrl: 'http://x' }, 'field "publicUrl", is "http://x": expected a URL that begins with ws://'],
    [{ store: 'postgres' }, 'field "store", is "postgres"'],
    [{ pools: [{ name: 'a', match: ['x'], limits: 4 }] }, 'unknown field "pools[0].limits": did you mean "limit"'],
    [{ publicURL: 'ws://x' }, 'unknown field "publicURL": did you mean "publicUrl"'],
  ])('says what is wrong with %j', async (value, words) => {
    expect(await sentenceOf(value)).toContain(words);
  });

  it('parses addresses', () => {
    expect(parseListen('localhost:0')).toEqual({ host: 'localhost', port: 0 });
    expect(parseListen('[::]:7420')).toEqual({ host: '::', port: 7420 });
    expect(['::1:7420', ':1', 'a:', 'a:b', 'a b:1'].map(parseListen)).toEqual(Array(5).fill(undefined));
  });

  it('has a published schema that is in step and describes every field', async () => {
    const made = configurationSchema(coordinatorFile, 'coordinator.json');
    const file = new URL('../../schema/coordinator.schema.json', import.meta.url);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(made)));
    for (const property of Object.values(made.properties ?? {})) expect(property.description).toBeTruthy();
  });
});
