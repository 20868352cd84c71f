import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ToolName } from '@authmesh/agent/core/tools';
import { cacheFolder, installPackage } from './installation.ts';
import { type Environment, type Outcome, run } from './program.ts';
import { type Login, type Provider, secret } from './provider.ts';

/** A real tool: how it is run on a host, and what its login leaves there. */
export interface ToolProgram {
  readonly package: string;
  readonly version: string;
  /** Its file, under the home folder of its host. */
  readonly file: string;
  /** What its login saves; `account` says whose it is, as far as the file can. */
  readonly signedIn: (login: Login, account: string) => object;
  /** The access token in it. */
  readonly accessIn: (document: never) => unknown;
  /** Settings that send its requests to the server of the test. */
  readonly settings?: ((provider: Provider) => readonly [file: string, text: string]) | undefined;
  readonly environment: (provider: Provider) => Environment;
  /** A command that asks its model something, under the folder of the installation. */
  readonly ask: readonly string[];
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const idToken = (claims: object): string => [part({ alg: 'none' }), part(claims), secret('id')].join('.');
const origin = ({ url }: Provider): string => new URL(url).origin;
const preload = (name: string): string => `--import ${new URL(name, import.meta.url).href}`;
/** A proxy that lets nothing out, for a program that takes no preload. */
const shut = (provider: Provider): Environment => ({
  HTTPS_PROXY: origin(provider),
  HTTP_PROXY: origin(provider),
  https_proxy: origin(provider),
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1',
});
const native = `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`;

export const toolPrograms: Readonly<Record<ToolName, ToolProgram>> = {
  'codex-cli': {
    package: '@openai/codex',
    version: '0.171.0',
    file: '.codex/auth.json',
    signedIn: ({ access, refresh }, account) => ({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: idToken({ email: account, 'https://api.openai.com/auth': { chatgpt_account_id: account } }),
        access_token: access,
        refresh_token: refresh,
        account_id: account,
      },
      last_refresh: new Date().toISOString(),
    }),
    accessIn: ({ tokens }: { tokens: { access_token: unknown } }) => tokens.access_token,
    settings: ({ url }) => [
      '.codex/config.toml',
      [
        'model = "m1"',
        'model_provider = "test"',
        '[model_providers.test]',
        'name = "test"',
        `base_url = "${url}"`,
        'wire_api = "responses"',
        'requires_openai_auth = true',
        'request_max_retries = 0',
        'stream_max_retries = 0',
      ].join('\n'),
    ],
    environment: shut,
    ask: ['node_modules/.bin/codex', 'exec', '--skip-git-repo-check', 'Say ok.'],
  },
  'claude-code': {
    package: '@anthropic-ai/claude-code',
    version: '2.1.332',
    file: '.claude/.credentials.json',
    signedIn: ({ access, refresh, expires }) => ({
      claudeAiOauth: {
        accessToken: access,
        refreshToken: refresh,
        expiresAt: expires,
        scopes: ['user:inference', 'user:profile'],
        subscriptionType: 'max',
      },
    }),
    accessIn: ({ claudeAiOauth }: { claudeAiOauth: { accessToken: unknown } }) => claudeAiOauth.accessToken,
    environment: provider => ({
      ...shut(provider),
      ANTHROPIC_BASE_URL: origin(provider),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    }),
    ask: [native, '-p', 'Say ok.'],
  },
  'gemini-cli': {
    package: '@google/gemini-cli',
    version: '0.61.0',
    file: '.gemini/oauth_creds.json',
    signedIn: ({ access, refresh, expires }, account) => ({
      access_token: access,
      refresh_token: refresh,
      scope: 'openid',
      token_type: 'Bearer',
      id_token: idToken({ email: account }),
      expiry_date: expires,
    }),
    accessIn: ({ access_token }: { access_token: unknown }) => access_token,
    settings: () => [
      '.gemini/settings.json',
      JSON.stringify({
        security: { auth: { selectedType: 'oauth-personal' } },
        privacy: { usageStatisticsEnabled: false },
      }),
    ],
    environment: provider => ({
      CODE_ASSIST_ENDPOINT: origin(provider),
      COMPAT_SERVER: origin(provider),
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning ${preload('./loopback-only.ts')} ${preload('./https-to-loopback.ts')}`,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
      NO_BROWSER: 'true',
      // Its second process would outlive a time-out.
      GEMINI_CLI_NO_RELAUNCH: 'true',
    }),
    ask: [process.execPath, 'node_modules/@google/gemini-cli/bundle/gemini.js', '-p', 'Say ok.'],
  },
};

/** Installs a tool; the answer runs it in this home of a host. */
export async function installTool(tool: ToolName, provider: Provider): Promise<(home: string) => Promise<Outcome>> {
  const { package: name, version, settings, environment, ask } = toolPrograms[tool];
  const root = join(cacheFolder(), `${tool}-${version}`);
  await installPackage(root, name, version);
  const [program = '', ...args] = ask.map(word => (word.startsWith('node_modules/') ? join(root, word) : word));
  return async home => {
    const [file, text] = settings?.(provider) ?? [];
    if (file !== undefined && text !== undefined) {
      await mkdir(dirname(join(home, file)), { recursive: true });
      await writeFile(join(home, file), text);
    }
    return run(program, args, { HOME: home, NO_COLOR: '1', ...environment(provider) }, { timeoutMs: 30_000 });
  };
}
