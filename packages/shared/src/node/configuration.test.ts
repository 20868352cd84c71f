import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ConfigurationBinding, loadConfiguration } from './configuration.ts';
import { editDistance, nearestName } from './edit-distance.ts';
import { operatorSentence } from './errors.ts';
import { chooseHome, expandPath } from './home-path.ts';

const schema = z.strictObject({
  listen: z
    .string()
    .regex(/^.+:\d+$/, 'expected HOST:PORT')
    .default('127.0.0.1:7420')
    .describe('Where to listen.'),
  urls: z.array(z.string().startsWith('ws', 'expected a URL that begins with ws:// or wss://')).default([]),
  sync: z.strictObject({ apiKeys: z.boolean().default(false) }).prefault({}),
  store: z.enum(['sqlite', 'memory']).default('sqlite'),
  pools: z.array(z.strictObject({ name: z.string(), limit: z.number().int().min(1) })).default([]),
  alert: z
    .union([z.literal('none'), z.strictObject({ hook: z.string().min(10).meta({ secret: true }) })])
    .default('none'),
});
const bindings: readonly ConfigurationBinding[] = [
  { field: 'listen', environment: 'AUTHMESH_LISTEN', flag: '--listen' },
  { field: 'urls', environment: 'AUTHMESH_URLS', form: 'list' },
  { field: 'sync.apiKeys', flag: '--api-keys' },
];

let file: string;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'authmesh-config-')), 'agent.json');
});

async function load(text?: string, environment: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  if (text !== undefined) await writeFile(file, text);
  return loadConfiguration({ schema, file, bindings, environment, flags });
}
async function sentenceOf(...args: Parameters<typeof load>): Promise<string> {
  const error: unknown = await load(...args).then(
    () => new Error('no error'),
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ code: 'ERR_CONFIGURATION', exitCode: 78 });
  return operatorSentence(error);
}

describe('configuration', () => {
  it('is made of defaults when there is no file', async () => {
    const { value, origins } = await load();
    expect(value).toEqual({
      listen: '127.0.0.1:7420',
      urls: [],
      sync: { apiKeys: false },
      store: 'sqlite',
      pools: [],
      alert: 'none',
    });
    expect(new Set(origins.map(({ origin }) => origin))).toEqual(new Set(['default']));
  });

  it('goes by default, file, environment, flag, and knows where each value came from', async () => {
    const text = JSON.stringify({ listen: 'a:1', store: 'memory', sync: {} });
    const environment = { AUTHMESH_LISTEN: 'b:2', AUTHMESH_URLS: 'ws://x, wss://y' };
    const { value, origins } = await load(text, environment, { '--listen': 'c:3', '--api-keys': true });
    expect(value).toMatchObject({
      listen: 'c:3',
      urls: ['ws://x', 'wss://y'],
      store: 'memory',
      sync: { apiKeys: true },
    });
    expect(origins.map(({ field, origin }) => [field, origin])).toEqual([
      ['listen', '--listen'],
      ['urls', 'AUTHMESH_URLS'],
      ['sync.apiKeys', '--api-keys'],
      ['store', 'file'],
      ['pools', 'default'],
      ['alert', 'default'],
    ]);
    expect((await load(text, environment)).value.listen).toBe('b:2');
  });

  it.each([
    ['{"lisen": "a:1"}', ' has an unknown field "lisen": did you mean "listen"?'],
    ['{"sync": {"apikeys": true}}', ' has an unknown field "sync.apikeys": did you mean "apiKeys"?'],
    ['{"frobnicate": 1}', ' has an unknown field "frobnicate": known here: listen, urls, sync, store, pools, alert.'],
    ['{"listen": "somewhere"}', ', field "listen", is "somewhere": expected HOST:PORT.'],
    ['{"listen": 7420}', ', field "listen", is 7420: expected string.'],
    ['{"store": "redis"}', ', field "store", is "redis": expected one of "sqlite" or "memory".'],
    ['{"pools": [{"name": "a", "limit": 0}]}', ', field "pools[0].limit", is 0: too small: expected number to be >=1.'],
    ['{"pools": [{"name": "a"}]}', ', field "pools[0].limit", is missing: expected number.'],
    ['{"alert": {"hok": "x"}}', ' has an unknown field "alert.hok": did you mean "hook"?'],
    ['[1]', ' holds a list: it has to hold one object: { … }.'],
    ['{"listen": "a:1",}', ' is not valid JSON at line 1, column 18: mend the file, it is plain JSON.'],
    [
      '{\n  // where\n  "listen": "a:1"\n}',
      ' is not valid JSON at line 2, column 3: JSON has no comments: take them out.',
    ],
  ])('says of %s what is wrong and what to do', async (text, words) => {
    expect(await sentenceOf(text)).toBe(`${file}${words}`);
  });

  it('names the variable or flag that is at fault, not the file', async () => {
    expect(await sentenceOf('{}', { AUTHMESH_LISTEN: 'x' })).toContain('AUTHMESH_LISTEN, field "listen", is "x"');
    expect(await sentenceOf('{}', {}, { '--listen': 'y' })).toContain('--listen, field "listen", is "y"');
    expect(await sentenceOf('{}', { AUTHMESH_URLS: 'ws://x,http://y' })).toContain('AUTHMESH_URLS, field "urls[1]"');
  });

  it('never shows a field that may hold a secret', async () => {
    const secret = randomBytes(4).toString('hex');
    const sentence = await sentenceOf(JSON.stringify({ alert: { hook: secret } }));
    expect(sentence).toContain('"alert.hook"');
    expect(sentence).not.toContain(secret);
    const { origins } = await load(JSON.stringify({ alert: { hook: secret + secret } }));
    expect(JSON.stringify(origins)).not.toContain(secret);
    expect(await sentenceOf(`{"alert": "${secret}`)).not.toContain(secret);
  });

  it('says that a folder stands in the file’s place', async () => {
    await mkdir(file);
    expect(await sentenceOf()).toContain('cannot be read: it is a directory');
  });
});

it('counts edits, a swap of neighbours as one', () => {
  expect(editDistance('listen', 'listen')).toBe(0);
  expect(editDistance('lisetn', 'listen')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(nearestName('Alow', ['allow', 'deny'])).toBe('allow');
  expect(nearestName('x', ['coordinator'])).toBeUndefined();
});

it('expands paths and chooses homes by flag, variable, default', () => {
  expect(expandPath('~/a')).toBe(join(homedir(), 'a'));
  expect(expandPath('~')).toBe(homedir());
  expect(expandPath('a', '/base')).toBe('/base/a');
  const choice = { environment: { AUTHMESH_HOME: '/from/env' }, variable: 'AUTHMESH_HOME', fallback: '~/.authmesh' };
  expect(chooseHome({ ...choice, flag: '/from/flag' })).toBe('/from/flag');
  expect(chooseHome(choice)).toBe('/from/env');
  expect(chooseHome({ ...choice, environment: {} })).toBe(join(homedir(), '.authmesh'));
});
