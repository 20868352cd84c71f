import { AuthmeshError } from '@authmesh/shared/node/errors';
import { launchdManager } from './launchd.ts';
import type { ServiceDescription } from './service-description.ts';
import { currentHost, type ServiceHost } from './service-host.ts';
import { systemdManager } from './systemd.ts';

/** How a service stands. Null: the service manager could not be asked. */
export interface ServiceStatus {
  readonly manager: 'systemd' | 'launchd';
  /** The unit or property list. */
  readonly file: string;
  readonly installed: boolean;
  /** Starts by itself. */
  readonly enabled: boolean | null;
  readonly active: boolean | null;
}

/** What was done, and what is left to the operator, each a line. */
export interface ServiceReport {
  readonly status: ServiceStatus;
  readonly done: readonly string[];
  readonly todo: readonly string[];
}

/** One host's service manager, for one service. Every method may be repeated. */
export interface ServiceManager {
  readonly install: () => Promise<ServiceReport>;
  readonly uninstall: () => Promise<ServiceReport>;
  readonly status: () => Promise<ServiceReport>;
}

/** The service manager of this host; throws `ERR_SERVICE` where there is none that authmesh knows. */
export function serviceManager(service: ServiceDescription, host: ServiceHost = currentHost()): ServiceManager {
  if (host.platform === 'linux') return systemdManager(service, host);
  if (host.platform === 'darwin') return launchdManager(service, host);
  throw new AuthmeshError('ERR_SERVICE', `authmesh knows no service manager on ${host.platform}`, {
    hint: `have something else keep this running: ${service.command.join(' ')}`,
  });
}
