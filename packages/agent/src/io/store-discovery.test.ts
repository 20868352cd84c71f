import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { createStoreDiscovery } from './store-discovery.ts';

let stateDir: string;
beforeEach(async () => {
  stateDir = join(await mkdtemp(join(tmpdir(), 'authmesh-state-')), '.openclaw');
});

const inAgent = (agent: string, file: string): string => join(stateDir, 'agents', agent, 'agent', file);
async function put(path: string, content = '{}'): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
async function database(path: string, sql: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const made = new DatabaseSync(path);
  made.exec(`PRAGMA journal_mode = wal; ${sql}`);
  made.close();
}
const agentTable = 'CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT, updated_at INTEGER);';
const agentRow = `INSERT INTO auth_profile_store VALUES ('primary', '{"version":1,"profiles":{}}', 1);`;
const sharedTable =
  'CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at_ms INTEGER);';
const sharedRow = `INSERT INTO config_machine_state VALUES ('auth.sharedStore', '{"location":"state-db"}', 1);`;

async function look() {
  const [directory] = await createStoreDiscovery({ stateDirs: [stateDir] }).look();
  if (!directory) throw new Error('every state directory is in the answer');
  return directory;
}

describe('what is found on a host', () => {
  it('is nothing, in a place that does not exist', async () => {
    expect(await look()).toMatchObject({ generation: 'none', agents: [], foreign: [] });
  });

  it('is every agent’s JSON store, and the agents that have none', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    await put(inAgent('work', 'auth-profiles.json'));
    await mkdir(dirname(inAgent('idle', 'x')), { recursive: true });
    await put(join(stateDir, 'agents', 'stray'));
    const { generation, agents, noCreation } = await look();
    expect(generation).toBe('json');
    expect(agents.map(({ id, isPresent }) => [id, isPresent])).toEqual([
      ['idle', false],
      ['main', true],
      ['work', true],
    ]);
    expect(agents[1]?.store).toBe(inAgent('main', 'auth-profiles.json'));
    expect(noCreation).toBeUndefined();
  });

  it('is the main agent’s store where OpenClaw was told to keep it, before the place of its name', async () => {
    const agentDir = join(dirname(stateDir), 'elsewhere');
    await put(inAgent('main', 'auth-profiles.json'));
    const discovery = createStoreDiscovery({ stateDirs: [stateDir, join(dirname(stateDir), 'second')], agentDir });
    expect((await discovery.look())[0]?.agents).toHaveLength(1);
    await put(join(agentDir, 'auth-profiles.json'));
    const [first, second] = await discovery.look();
    expect(first?.agents.map(({ id, store }) => [id, store])).toEqual([
      ['main', join(agentDir, 'auth-profiles.json')],
      ['main', inAgent('main', 'auth-profiles.json')],
    ]);
    expect(second).toMatchObject({ agents: [], agentDir: undefined });
    await database(join(agentDir, 'openclaw-agent.sqlite'), agentTable + agentRow);
    const [moved] = await discovery.look();
    expect(moved).toMatchObject({ generation: 'sqlite' });
    expect(moved?.agents.map(({ store, isPresent }) => [store, isPresent])).toEqual([
      [join(agentDir, 'openclaw-agent.sqlite'), true],
      [inAgent('main', 'openclaw-agent.sqlite'), false],
    ]);
  });

  it('is one store where the main agent was told to stay in its place', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    const agentDir = dirname(inAgent('main', 'x'));
    const [found] = await createStoreDiscovery({ stateDirs: [stateDir], agentDir }).look();
    expect(found?.agents).toHaveLength(1);
  });

  it('has auth-state.json beside it from 2026.4.7 on', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    await put(inAgent('main', 'auth-state.json'));
    expect((await look()).generation).toBe('json-with-state');
  });

  it('is a store even where it is a directory or a loop, so that it can be reported', async () => {
    await mkdir(inAgent('main', 'auth-profiles.json'), { recursive: true });
    await mkdir(dirname(inAgent('work', 'x')), { recursive: true });
    await symlink(inAgent('work', 'auth-profiles.json'), inAgent('work', 'auth-profiles.json'));
    expect((await look()).agents.map(({ isPresent }) => isPresent)).toEqual([true, true]);
  });

  it('is never a JSON store where an agent’s database holds logins', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    await database(inAgent('main', 'openclaw-agent.sqlite'), agentTable + agentRow);
    await mkdir(dirname(inAgent('work', 'x')), { recursive: true });
    const { generation, agents, foreign, noCreation } = await look();
    expect(generation).toBe('sqlite');
    expect(agents).toEqual([
      { id: 'main', store: inAgent('main', 'openclaw-agent.sqlite'), isPresent: true },
      { id: 'work', store: inAgent('work', 'openclaw-agent.sqlite'), isPresent: false },
    ]);
    expect(foreign.map(({ path }) => path)).toEqual([inAgent('main', 'auth-profiles.json')]);
    expect(noCreation).toMatch(/SQLite/);
  });

  it('is the shared database where its marker says so', async () => {
    await database(join(stateDir, 'state', 'openclaw.sqlite'), sharedTable + sharedRow);
    await database(inAgent('main', 'openclaw-agent.sqlite'), agentTable);
    await database(inAgent('work', 'openclaw-agent.sqlite'), agentTable + agentRow);
    await mkdir(dirname(inAgent('idle', 'x')), { recursive: true });
    const { generation, agents } = await look();
    expect(generation).toBe('sqlite-shared');
    expect(agents).toEqual([
      { id: 'main', store: join(stateDir, 'state', 'openclaw.sqlite'), isPresent: true },
      { id: 'idle', store: inAgent('idle', 'openclaw-agent.sqlite'), isPresent: false },
      { id: 'work', store: inAgent('work', 'openclaw-agent.sqlite'), isPresent: true },
    ]);
  });

  it('is not a database that holds something else', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    await database(join(stateDir, 'state', 'openclaw.sqlite'), sharedTable);
    await database(inAgent('main', 'openclaw-agent.sqlite'), agentTable);
    await put(inAgent('work', 'openclaw-agent.sqlite'), '');
    expect((await look()).generation).toBe('json');
  });

  it('is unknown where a database cannot be read, and nothing is offered there', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    await put(inAgent('main', 'openclaw-agent.sqlite'), 'no database at all, but a file of that name');
    const { generation, agents, foreign } = await look();
    expect([generation, agents]).toEqual(['unknown', []]);
    expect(foreign[0]?.reason).toMatch(/no SQLite database/);
  });

  it('follows a host that is upgraded, while it is being looked at', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    let now = 0;
    const discovery = createStoreDiscovery({ stateDirs: [stateDir, stateDir] }, () => now);
    await database(inAgent('main', 'openclaw-agent.sqlite'), agentTable);
    expect((await discovery.look()).map(({ generation }) => generation)).toEqual(['json']);
    // A gateway keeps its database open: the row stands in the write-ahead log, the file itself is as before.
    const gateway = new DatabaseSync(inAgent('main', 'openclaw-agent.sqlite'));
    gateway.exec(agentRow);
    expect((await discovery.look())[0]?.generation).toBe('sqlite');
    gateway.close();
    now += 3_600_000;
    await rm(inAgent('main', 'openclaw-agent.sqlite'));
    expect((await discovery.look())[0]?.generation).toBe('json');
  });
});

describe('what a running gateway sees', () => {
  it.each([
    ['2026.2.12', 'all'],
    ['2026.2.25', 'all'],
    ['2026.2.26', 'nothing'],
    ['2026.4.2', 'nothing'],
  ])('of a JSON store under OpenClaw %s is %s', async (version, sees) => {
    await put(join(stateDir, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion: version } }));
    await put(inAgent('main', 'auth-profiles.json'));
    expect((await look()).gatewaySees).toBe(sees);
  });

  it('of a store whose release is not said is all, unless it keeps its state beside', async () => {
    await put(inAgent('main', 'auth-profiles.json'));
    expect((await look()).gatewaySees).toBe('all');
    await put(inAgent('main', 'auth-state.json'));
    expect((await look()).gatewaySees).toBe('nothing');
  });

  it('of a database is the logins where all agents share it', async () => {
    await database(inAgent('main', 'openclaw-agent.sqlite'), agentTable + agentRow);
    expect((await look()).gatewaySees).toBe('nothing');
    await database(join(stateDir, 'state', 'openclaw.sqlite'), sharedTable + sharedRow);
    expect((await look()).gatewaySees).toBe('logins');
  });
});

describe('where a JSON store may be created', () => {
  const versioned = (version: string): Promise<void> =>
    put(join(stateDir, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion: version } }));

  it.each([['2026.2.12'], ['2026.6.1'], ['2025.12.31']])('it may under OpenClaw %s', async version => {
    await versioned(version);
    expect(await look()).toMatchObject({ openclawVersion: version, noCreation: undefined });
  });

  it.each([['2026.6.5'], ['2026.9.6'], ['2027.1.1'], ['soon']])('it may not under OpenClaw %s', async version => {
    await versioned(version);
    expect((await look()).noCreation).toMatch(new RegExp(`OpenClaw ${version}`));
  });

  it('it may not where nothing tells the version', async () => {
    expect((await look()).noCreation).toMatch(/does not say/);
    await put(join(stateDir, 'openclaw.json'), '{ meta: 1 }');
    expect((await look()).noCreation).toMatch(/does not say/);
  });
});
