import { join } from 'node:path';
import type { ServiceManager, ServiceReport, ServiceStatus } from './service.ts';
import type { ServiceDescription } from './service-description.ts';
import type { ServiceHost } from './service-host.ts';
import { systemdUnit } from './systemd-unit.ts';
import { hasUnit, removeUnit, writeUnit } from './unit-file.ts';

/** Keeps a service by the user's own systemd. Without a session bus the file is written and the commands are named. */
export function systemdManager(service: ServiceDescription, host: ServiceHost): ServiceManager {
  const unit = `${service.name}.service`;
  const configuration = host.environment.XDG_CONFIG_HOME || join(host.home, '.config');
  const file = join(configuration, 'systemd', 'user', unit);

  const systemctl = (...args: readonly string[]) => host.run('systemctl', ['--user', ...args]);
  const asked = async (verb: string) => (await systemctl(verb, unit)).stdout.trim();
  const isReachable = async () => (await systemctl('show', '--property=Version')).status === 0;

  const status = async (isManaged: boolean): Promise<ServiceStatus> => ({
    manager: 'systemd',
    file,
    installed: await hasUnit(file),
    enabled: isManaged ? (await asked('is-enabled')) === 'enabled' : null,
    active: isManaged ? ['active', 'reloading'].includes(await asked('is-active')) : null,
  });

  /** Runs the commands in order; the first that fails and those after it are left to the operator. */
  const perform = async (commands: readonly (readonly string[])[], isManaged: boolean) => {
    const done: string[] = [];
    const todo: string[] = [];
    for (const command of commands) {
      const line = `systemctl --user ${command.join(' ')}`;
      if (!isManaged || todo.length > 0) todo.push(line);
      else {
        const { status: code, stderr } = await systemctl(...command);
        if (code === 0) done.push(line);
        else todo.push(`${line} (failed: ${stderr.trim().split('\n')[0] || `status ${code}`})`);
      }
    }
    return { done, todo };
  };

  /** A user's services end with the last session unless the user lingers. */
  const lingering = async (): Promise<readonly string[]> => {
    const { stdout } = await host.run('loginctl', ['show-user', host.user.name, '--property=Linger']);
    return stdout.trim() === 'Linger=no' ? [`loginctl enable-linger ${host.user.name}`] : [];
  };

  const report = async (
    isManaged: boolean,
    done: readonly string[],
    todo: readonly string[],
  ): Promise<ServiceReport> => ({ status: await status(isManaged), done, todo });

  return {
    async install() {
      const isNew = await writeUnit(file, systemdUnit(service));
      const isManaged = await isReachable();
      const wasActive = isManaged && (await status(true)).active === true;
      const commands = [
        ['daemon-reload'],
        ['enable', '--now', unit],
        ...(isNew && wasActive ? [['restart', unit]] : []),
      ];
      const { done, todo } = await perform(commands, isManaged);
      const first = isNew ? `wrote ${file}` : `${file} is as it should be`;
      return report(isManaged, [first, ...done], [...todo, ...(await lingering())]);
    },
    async uninstall() {
      const isManaged = await isReachable();
      if (!(await hasUnit(file))) return report(isManaged, [`${file} is not there`], []);
      const stopped = await perform([['disable', '--now', unit]], isManaged);
      await removeUnit(file);
      const reloaded = await perform([['daemon-reload']], isManaged);
      const done = [...stopped.done, `removed ${file}`, ...reloaded.done];
      // What is gone cannot be disabled any more; a process that still runs is all that is left.
      return report(isManaged, done, [...(isManaged ? [] : [`systemctl --user stop ${unit}`]), ...reloaded.todo]);
    },
    async status() {
      const isManaged = await isReachable();
      return report(
        isManaged,
        [],
        isManaged ? [] : ['log in with a systemd user session to ask about enabled and active'],
      );
    },
  };
}
