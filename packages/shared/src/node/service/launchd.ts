import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { launchdAgent, launchdLabel } from './launchd-agent.ts';
import type { ServiceManager, ServiceReport } from './service.ts';
import type { ServiceDescription } from './service-description.ts';
import type { ServiceHost } from './service-host.ts';
import { hasUnit, removeUnit, writeUnit } from './unit-file.ts';

/** Keeps a service by launchd, in the graphical session of this user. */
export function launchdManager(service: ServiceDescription, host: ServiceHost): ServiceManager {
  const label = launchdLabel(service);
  const file = join(host.home, 'Library', 'LaunchAgents', `${label}.plist`);
  const logFile = join(host.home, 'Library', 'Logs', 'authmesh', `${service.name}.log`);
  const domain = `gui/${host.user.id}`;
  const target = `${domain}/${label}`;

  const launchctl = (...args: readonly string[]) => host.run('launchctl', args);

  const report = async (done: readonly string[], todo: readonly string[]): Promise<ServiceReport> => {
    const asked = await launchctl('print', target);
    const isReachable = asked.status !== null;
    return {
      status: {
        manager: 'launchd',
        file,
        installed: await hasUnit(file),
        enabled: isReachable ? asked.status === 0 : null,
        active: isReachable ? asked.status === 0 && /^\s*state = running$/m.test(asked.stdout) : null,
      },
      done,
      todo,
    };
  };

  const perform = async (args: readonly string[], done: string[], todo: string[]) => {
    const line = `launchctl ${args.join(' ')}`;
    if (todo.length === 0 && (await launchctl(...args)).status === 0) done.push(line);
    else todo.push(line);
  };

  return {
    async install() {
      await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
      const isNew = await writeUnit(file, launchdAgent(service, logFile));
      const done = [isNew ? `wrote ${file}` : `${file} is as it should be`];
      const todo: string[] = [];
      const isLoaded = (await launchctl('print', target)).status === 0;
      if (isLoaded && isNew) await perform(['bootout', target], done, todo);
      if (!isLoaded || isNew) await perform(['bootstrap', domain, file], done, todo);
      return report(done, todo);
    },
    async uninstall() {
      const done: string[] = [];
      const todo: string[] = [];
      if ((await launchctl('print', target)).status === 0) await perform(['bootout', target], done, todo);
      done.push((await removeUnit(file)) ? `removed ${file}` : `${file} is not there`);
      return report(done, todo);
    },
    status: () => report([], []),
  };
}
