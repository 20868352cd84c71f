import { join } from 'node:path';
import type { AlertTerms } from '@authmesh/coordinator/core/alerts/alerts';
import type { Preference } from '@authmesh/coordinator/core/lease/leases';
import type { PoolTerms } from '@authmesh/coordinator/core/pool/terms';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { day, minute, second } from '@authmesh/shared/core/time';
import { type AlertChannel, channelName } from '@authmesh/shared/node/alerts/alert-channel';
import { type Configuration, type ConfigurationBinding, loadConfiguration } from '@authmesh/shared/node/configuration';
import type { LogLevel } from '@authmesh/shared/node/logger';
import { type CoordinatorFile, coordinatorFile, type ListenAddress, parseListen } from './coordinator-file.ts';
import type { HeartbeatTerms } from './heartbeat.ts';

/** What a running coordinator goes by. */
export interface CoordinatorSettings {
  readonly listen: ListenAddress;
  /** Empty: the address that it listens on. */
  readonly publicUrls: readonly string[];
  readonly store: CoordinatorFile['store'];
  readonly pools: readonly PoolTerms[];
  /** Whom to tell of trouble, and how. */
  readonly channels: readonly AlertChannel[];
  readonly alerts: AlertTerms;
  readonly heartbeat: HeartbeatTerms;
  readonly profiles: ProfileFilter;
  /** Which nodes are to refresh, where they can. */
  readonly prefer: Preference;
  readonly audit: { readonly ageMsMax: number; readonly entriesMax: number };
  readonly halfOpenMax: number;
  readonly logLevel: LogLevel;
}

const bindings: readonly ConfigurationBinding[] = [
  { field: 'listen', environment: 'AUTHMESH_LISTEN', flag: '--listen' },
  { field: 'publicUrl', environment: 'AUTHMESH_PUBLIC_URL', flag: '--public-url', form: 'list' },
  { field: 'store', environment: 'AUTHMESH_STORE', flag: '--store' },
  { field: 'logLevel', environment: 'AUTHMESH_LOG_LEVEL', flag: '--log-level' },
];

/** The coordinator's file in its data folder. */
export function coordinatorFilePath(dataDir: string): string {
  return join(dataDir, 'coordinator.json');
}

export interface CoordinatorConfigSources {
  /** The data folder; its `coordinator.json` may be missing. */
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--listen`, `--public-url`, `--store`, `--log-level`, as far as they were given. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

/** Reads and checks the coordinator's configuration; throws `ERR_CONFIGURATION` with a sentence for the operator. */
export async function loadCoordinatorConfig(sources: CoordinatorConfigSources): Promise<{
  readonly settings: CoordinatorSettings;
  readonly configuration: Configuration<CoordinatorFile>;
}> {
  const { dataDir, environment, flags = {} } = sources;
  const file = coordinatorFilePath(dataDir);
  const configuration = await loadConfiguration({ schema: coordinatorFile, file, bindings, environment, flags });
  const { listen, publicUrl, store, pools, alerts, alerting, sync, refresh, retention, halfOpenMax, logLevel } =
    configuration.value;
  const address = parseListen(listen);
  if (!address) throw new TypeError('a checked address does not parse');
  const settings: CoordinatorSettings = {
    listen: address,
    publicUrls: publicUrl === undefined ? [] : [publicUrl].flat(),
    store,
    pools: pools.map(({ settleSeconds, ...terms }) => ({ ...terms, settleMs: settleSeconds * second })),
    channels: alerts,
    alerts: {
      channels: alerts.map(one => ({ name: channelName(one), criticalOnly: one.severity === 'critical' })),
      messagesPerHour: alerting.messagesPerHour,
      nodeSilentMs: alerting.nodeSilentMinutes * minute,
    },
    heartbeat: {
      url: configuration.value.heartbeatUrl,
      everyMs: configuration.value.heartbeatSeconds * second,
    },
    profiles: sync.profiles,
    prefer: refresh.prefer,
    audit: { ageMsMax: retention.auditDays * day, entriesMax: retention.auditEntries },
    halfOpenMax,
    logLevel,
  };
  return { settings, configuration };
}
