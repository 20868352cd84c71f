import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { knownProviders } from '@authmesh/agent/core/providers';
import { configurationSchema } from '@authmesh/shared/node/configuration-fields';
import { operatorSentence } from '@authmesh/shared/node/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadAgentConfig } from './config.ts';
import { agentFile } from './formats/agent-file.ts';
import { writeJoinedConfig } from './joined-config.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'authmesh-agent-config-'));
});
const write = (value: unknown) => writeFile(join(home, 'agent.json'), JSON.stringify(value), { mode: 0o600 });
async function sentenceOf(value: unknown): Promise<string> {
  await write(value);
  return operatorSentence(
    await loadAgentConfig({ home, environment: {} }).then(
      () => '',
      (error: unknown) => error,
    ),
  );
}

describe('agent.json', () => {
  it('is as the reference shows it', async () => {
    await write({
      coordinator: ['wss://coordinator.example'],
      openclaw: { stateDirs: ['~/.openclaw'] },
      sync: { profiles: { allow: ['*'], deny: [] }, create: [], apiKeys: false },
      custody: 'auto',
      secrets: [],
    });
    const { settings } = await loadAgentConfig({ home, environment: {} });
    expect(settings).toEqual({
      name: undefined,
      stateDirs: [join(homedir(), '.openclaw')],
      reload: { command: 'openclaw', when: 'auto' },
      tools: [],
      providers: knownProviders,
      core: {
        coordinators: ['wss://coordinator.example'],
        profiles: { allow: ['*'], deny: [] },
        create: [],
        apiKeys: false,
        custody: 'auto',
        refreshes: knownProviders,
        sessions: {},
        healthCommands: false,
      },
      secrets: [],
      alerts: { channels: [], lostMs: 15 * 60_000 },
      logLevel: 'info',
    });
  });

  it('shows a secret’s places, and no command line of one', async () => {
    const from = [{ dotenv: 'app.env' }, { command: ['railway', '--token', 'of-the-test'] }];
    await write({ secrets: [{ name: 'KEY', from, to: { command: 'set of-the-test', shell: true } }] });
    const { configuration, settings } = await loadAgentConfig({ home, environment: {} });
    const shown = JSON.stringify(configuration.origins.find(({ field }) => field === 'secrets')?.value);
    expect(shown).toContain('app.env');
    expect(shown).not.toContain('of-the-test');
    expect(settings.secrets[0]?.to).toMatchObject([{ command: 'set of-the-test' }]);
  });

  it('finds the main agent’s folder by the file, else by OpenClaw’s variables', async () => {
    const other = join(home, 'pi');
    const found = async (environment: Record<string, string>) =>
      (await loadAgentConfig({ home, environment })).settings.agentDir;
    expect(await found({})).toBeUndefined();
    const variables = { OPENCLAW_AGENT_DIR: ' /var/agent ', PI_CODING_AGENT_DIR: other };
    expect(await found(variables)).toBe('/var/agent');
    // Another program's too: it counts where an OpenClaw that follows it has a store.
    expect(await found({ PI_CODING_AGENT_DIR: other })).toBeUndefined();
    await mkdir(other);
    await writeFile(join(other, 'auth-profiles.json'), '{}');
    expect(await found({ PI_CODING_AGENT_DIR: other })).toBe(other);
    await write({ openclaw: { agentDir: 'near' } });
    expect(await found({ ...variables, OPENCLAW_STATE_DIR: '/var/openclaw' })).toBe(join(home, 'near'));
    await write({});
    const { configuration } = await loadAgentConfig({ home, environment: variables });
    expect(configuration.origins).toContainEqual({
      field: 'openclaw.agentDir',
      value: '/var/agent',
      origin: 'OPENCLAW_AGENT_DIR',
    });
  });

  it('finds OpenClaw by flag, file, OpenClaw’s variable, default', async () => {
    const environment = { OPENCLAW_STATE_DIR: '/var/openclaw' };
    const dirs = async (flags = {}) => {
      const { settings, configuration } = await loadAgentConfig({ home, environment, flags });
      const { origin } = configuration.origins.find(({ field }) => field === 'openclaw.stateDirs') ?? {};
      return [settings.stateDirs, origin];
    };
    expect(await dirs()).toEqual([['/var/openclaw'], 'OPENCLAW_STATE_DIR']);
    await write({ openclaw: { stateDirs: ['near', '/far', '/far'] } });
    expect(await dirs()).toEqual([[join(home, 'near'), '/far'], 'file']);
    expect(await dirs({ '--state-dir': ['here'] })).toEqual([[join(process.cwd(), 'here')], '--state-dir']);
  });

  it('takes custody a word for all or a word a pattern', async () => {
    for (const custody of ['auto', 'vault', 'home', 'copy', { 'google*': 'copy', '*': 'vault' }]) {
      await write({ custody });
      expect((await loadAgentConfig({ home, environment: {} })).settings.core.custody).toEqual(custody);
    }
    expect(await sentenceOf({ custody: 'safe' })).toContain('field "custody", is "safe": expected "auto", "vault"');
  });

  it('takes providers that are not known, and what differs of those that are', async () => {
    const tokenEndpoint = 'https://login.example/token';
    await write({ providers: { acme: { tokenEndpoint, clientId: 'claw' }, xai: { expirySkewSeconds: 60 } } });
    const { providers, core } = (await loadAgentConfig({ home, environment: {} })).settings;
    expect(providers.get('acme')).toMatchObject({ tokenEndpoint, clientId: 'claw', body: 'form', rotates: true });
    expect(providers.get('xai')).toEqual({ ...knownProviders.get('xai'), expirySkewMs: 60_000 });
    expect(core.refreshes.get('acme')).toMatchObject({ rotates: true });
    await write({ refresh: { enabled: false } });
    expect((await loadAgentConfig({ home, environment: {} })).settings.core.refreshes.size).toBe(0);
    expect(await sentenceOf({ providers: { acme: { clientId: 'claw' } } })).toContain(
      'field "providers.acme.tokenEndpoint"',
    );
    const plain = { acme: { tokenEndpoint: 'http://login.example/token' } };
    expect(await sentenceOf({ providers: plain })).toContain('expected a URL that begins with https://');
  });

  it('finds other tools by the file, else by their own variables and rules', async () => {
    const found = async (stores: unknown, environment: Record<string, string> = {}) => {
      await write({ stores });
      return (await loadAgentConfig({ home, environment })).settings.tools;
    };
    const sharesLogins = false;
    expect(await found(['codex-cli', 'claude-code', 'gemini-cli'])).toEqual([
      { tool: 'codex-cli', sharesLogins, file: join(homedir(), '.codex/auth.json') },
      { tool: 'claude-code', sharesLogins, file: join(homedir(), '.claude/.credentials.json') },
      { tool: 'gemini-cli', sharesLogins, file: join(homedir(), '.gemini/oauth_creds.json') },
    ]);
    expect(await found(['codex-cli'], { CODEX_HOME: '/opt/codex' })).toMatchObject([{ file: '/opt/codex/auth.json' }]);
    expect(await found([{ tool: 'codex-cli', file: 'codex//auth.json/', sharesLogins: true }])).toEqual([
      { tool: 'codex-cli', sharesLogins: true, file: join(home, 'codex/auth.json') },
    ]);
  });

  it.each([
    [{ stores: ['codex'] }, 'field "stores[0]", is "codex": expected "codex-cli", "claude-code", "gemini-cli"'],
    [{ stores: [{ tool: 'codex-cli', path: 'x' }] }, 'unknown field "stores[0].path": known here: tool, file'],
    [
      { stores: [{ tool: 'codex-cli', file: 'x.json' }] },
      'is "x.json": expected the path of a file that is called auth',
    ],
    [{ stores: ['codex-cli', { tool: 'codex-cli' }] }, 'expected each tool once'],
    [
      { stores: [{ tool: 'claude-code', sharesLogins: true }] },
      'field "stores[0].sharesLogins", is true: expected false: the file of Claude Code does not say whose login it holds',
    ],
    [{ sync: { profile: {} } }, 'unknown field "sync.profile": did you mean "profiles"'],
    [{ sync: { profiles: { alow: [] } } }, 'unknown field "sync.profiles.alow": did you mean "allow"'],
    [{ coordinator: ['https://x'] }, 'field "coordinator[0]", is "https://x": expected a URL that begins with ws://'],
    [{ name: 'a b' }, 'field "name", is "a b": may hold letters'],
    [{ openclaw: { stateDirs: [] } }, 'is an empty list: expected at least one folder'],
  ])('says what is wrong with %j', async (value, words) => {
    expect(await sentenceOf(value)).toContain(words);
  });

  it('keeps what join learned and every other field', async () => {
    await writeJoinedConfig(home, { name: 't440', coordinators: ['ws://a'], stateDirs: [] });
    await write({ ...JSON.parse(await readFile(join(home, 'agent.json'), 'utf8')), sync: { apiKeys: true } });
    await writeJoinedConfig(home, { name: 't440', coordinators: ['ws://b'], stateDirs: ['/x'] });
    const { settings } = await loadAgentConfig({ home, environment: {} });
    expect(settings).toMatchObject({
      name: 't440',
      stateDirs: ['/x'],
      core: { coordinators: ['ws://b'], apiKeys: true },
    });
    expect((await stat(join(home, 'agent.json'))).mode & 0o777).toBe(0o600);
  });

  it('has a published schema that is in step and describes every field', async () => {
    const made = configurationSchema(agentFile, 'agent.json');
    const file = new URL('../../schema/agent.schema.json', import.meta.url);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(made)));
    for (const property of Object.values(made.properties ?? {})) expect(property.description).toBeTruthy();
  });
});
