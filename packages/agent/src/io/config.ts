import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { AgentConfig } from '@authmesh/agent/core/config';
import { knownProviders, mergeProviders, type Provider, type ProviderSettings } from '@authmesh/agent/core/providers';
import { minute, second } from '@authmesh/shared/core/time';
import { type Configuration, type ConfigurationBinding, loadConfiguration } from '@authmesh/shared/node/configuration';
import { expandPath } from '@authmesh/shared/node/home-path';
import type { LogLevel } from '@authmesh/shared/node/logger';
import type { CoordinatorAlertTerms } from './coordinator-alert.ts';
import { type AgentFile, agentFile } from './formats/agent-file.ts';
import {
  type SecretDeclaration,
  type StatedSource,
  type StatedTarget,
  withPlaces,
} from './formats/secret-declaration.ts';
import type { ReloadSettings } from './secrets-reload.ts';
import type { ToolPlace } from './state-directory.ts';
import { storeFileName } from './store-discovery.ts';
import { usualFile } from './tool-places.ts';

/** What a running agent goes by. */
export interface AgentSettings {
  readonly name: string | undefined;
  /** Absolute paths. */
  readonly stateDirs: readonly string[];
  /** Of the first state folder's main agent, where it lies elsewhere. */
  readonly agentDir?: string | undefined;
  /** Files of other tools. */
  readonly tools: readonly ToolPlace[];
  readonly core: AgentConfig;
  /** How logins are refreshed, by the newest names of the providers. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** How gateways learn of what was written. */
  readonly reload: ReloadSettings;
  /** What is compared with other hosts; with absolute paths. */
  readonly secrets: readonly SecretDeclaration[];
  /** Whom this host tells by itself. */
  readonly alerts: CoordinatorAlertTerms;
  readonly logLevel: LogLevel;
}

const bindings: readonly ConfigurationBinding[] = [
  { field: 'name', environment: 'AUTHMESH_NAME', flag: '--name' },
  { field: 'coordinator', environment: 'AUTHMESH_COORDINATOR', flag: '--coordinator', form: 'list' },
  { field: 'openclaw.stateDirs', environment: 'AUTHMESH_STATE_DIRS', flag: '--state-dir', form: 'list' },
  { field: 'logLevel', environment: 'AUTHMESH_LOG_LEVEL', flag: '--log-level' },
];

export interface AgentConfigSources {
  /** The agent's home; its `agent.json` may be missing. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--name`, `--state-dir` (a list), `--coordinator`, `--log-level`, as far as they were given. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

/** The agent's file in `home`. */
export function agentFilePath(home: string): string {
  return join(home, 'agent.json');
}

/** Reads and checks the agent's configuration; throws `ERR_CONFIGURATION` with a sentence for the operator. */
export async function loadAgentConfig(
  sources: AgentConfigSources,
): Promise<{ readonly settings: AgentSettings; readonly configuration: Configuration<AgentFile> }> {
  const { home, environment, flags = {} } = sources;
  const loaded = await loadConfiguration({
    schema: agentFile,
    file: agentFilePath(home),
    bindings,
    environment,
    flags,
  });
  const configuration = withOpenclawDefaults(loaded, environment);
  const { value, file } = configuration;
  // What stands in the file is relative to the file; what was typed is relative to where it was typed.
  const pathOf = (field: string, path: string) => {
    const isInFile = configuration.origins.some(one => one.field === field && one.origin === 'file');
    return expandPath(path, isInFile ? dirname(file) : process.cwd());
  };
  const { stateDirs, agentDir } = value.openclaw;
  const providers = mergeProviders(knownProviders, configuredProviders(value.providers));
  const settings: AgentSettings = {
    name: value.name,
    stateDirs: [...new Set(stateDirs.map(path => pathOf('openclaw.stateDirs', path)))],
    agentDir: agentDir === undefined ? undefined : pathOf('openclaw.agentDir', agentDir),
    tools: value.stores.map(({ tool, sharesLogins, file: stated }) => ({
      tool,
      sharesLogins,
      file: stated === undefined ? usualFile(tool, environment) : resolve(pathOf('stores', stated)),
    })),
    core: {
      coordinators: value.coordinator,
      profiles: value.sync.profiles,
      create: value.sync.create,
      apiKeys: value.sync.apiKeys,
      custody: value.custody,
      refreshes: value.refresh.enabled ? providers : new Map(),
      sessions: value.sessions,
      healthCommands: value.healthCommands,
    },
    providers,
    reload: { command: value.openclaw.command, when: value.openclaw.reload },
    secrets: value.secrets
      .map(declaration =>
        withPlaces(
          declaration,
          stateDirs.map(path => pathOf('openclaw.stateDirs', path)),
        ),
      )
      .map(({ from, to, ...declaration }) => ({
        ...declaration,
        from: from.map(source => withAbsolutePath(source, path => pathOf('secrets', path))),
        to: to.map(target => withAbsolutePath(target, path => pathOf('secrets', path))),
      })),
    alerts: { channels: value.alerts, lostMs: value.coordinatorLostMinutes * minute },
    logLevel: value.logLevel,
  };
  return { settings, configuration };
}

function withAbsolutePath<Place extends StatedSource | StatedTarget>(
  place: Place,
  absolute: (path: string) => string,
): Place {
  const changed: Partial<Record<'dotenv' | 'json' | 'gateway' | 'pidFile', string>> = {};
  for (const field of ['dotenv', 'json', 'gateway', 'pidFile'] as const) {
    const path: unknown = Reflect.get(place, field);
    if (typeof path === 'string') changed[field] = absolute(path);
  }
  return { ...place, ...changed };
}

/** As the core calls them: times in milliseconds. */
function configuredProviders(stated: AgentFile['providers']): Record<string, ProviderSettings> {
  return Object.fromEntries(
    Object.entries(stated).map(([name, { expirySkewSeconds: seconds, ...settings }]) => [
      name,
      { ...settings, expirySkewMs: seconds === undefined ? undefined : seconds * second },
    ]),
  );
}

type Origin = Configuration<AgentFile>['origins'][number];

/** OpenClaw's own variables stand in for the default: weaker than the file. */
function withOpenclawDefaults(
  loaded: Configuration<AgentFile>,
  environment: AgentConfigSources['environment'],
): Configuration<AgentFile> {
  const isStated = (name: string) =>
    loaded.origins.some(({ field, origin }) => field === `openclaw.${name}` && origin !== 'default');
  const stateDir = isStated('stateDirs') ? undefined : environment.OPENCLAW_STATE_DIR;
  const agentDir = isStated('agentDir') ? undefined : agentDirIn(environment);
  const { openclaw } = loaded.value;
  const origins = loaded.origins.map(entry =>
    stateDir && entry.field === 'openclaw.stateDirs'
      ? { ...entry, value: [stateDir], origin: 'OPENCLAW_STATE_DIR' }
      : entry,
  );
  return {
    ...loaded,
    value: {
      ...loaded.value,
      openclaw: {
        ...openclaw,
        stateDirs: stateDir ? [stateDir] : openclaw.stateDirs,
        agentDir: agentDir?.value ?? openclaw.agentDir,
      },
    },
    origins: agentDir ? [...origins, agentDir] : origins,
  };
}

/** Where OpenClaw was told to keep the main agent. */
function agentDirIn({
  OPENCLAW_AGENT_DIR: own,
  PI_CODING_AGENT_DIR: shared,
}: AgentConfigSources['environment']): (Origin & { readonly value: string }) | undefined {
  const field = 'openclaw.agentDir';
  if (own?.trim()) return { field, value: own.trim(), origin: 'OPENCLAW_AGENT_DIR' };
  // Releases around 2026.2.12 alone follow this one, which is another program's as well: where they do, a store is there.
  const value = shared?.trim() ?? '';
  const isFollowed = value !== '' && existsSync(join(expandPath(value), storeFileName));
  return isFollowed ? { field, value, origin: 'PI_CODING_AGENT_DIR' } : undefined;
}
