import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { launchdAgent, parseLaunchdAgent } from './launchd-agent.ts';
import { serviceManager } from './service.ts';
import { gatewayUnit, type ServiceDescription } from './service-description.ts';
import type { CommandResult, ServiceHost } from './service-host.ts';
import { systemdUnit } from './systemd-unit.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'authmesh-service-'));
});

function describeAgent(over: Partial<ServiceDescription> = {}): ServiceDescription {
  return {
    name: 'authmesh-agent',
    summary: 'authmesh agent: keeps OAuth logins in step',
    command: ['/usr/bin/node', '/opt/authmesh/agent.js', 'run'],
    environment: {},
    before: [gatewayUnit],
    after: ['authmesh-coordinator.service'],
    ...over,
  };
}

/** A host whose commands answer as `answers` says, by the beginning of the line; all others succeed silently. */
function fakeHost(platform: string, answers: Readonly<Record<string, Partial<CommandResult>>> = {}) {
  const ran: string[] = [];
  const host: ServiceHost = {
    platform,
    home,
    user: { id: 501, name: 'ada' },
    environment: {},
    run: async (program, args) => {
      const line = [program, ...args].join(' ');
      ran.push(line);
      const [, answer] = Object.entries(answers).find(([start]) => line.startsWith(start)) ?? [];
      return { status: 0, stdout: '', stderr: '', ...answer };
    },
  };
  return { host, ran };
}

/** Sections of a unit file: each key with all its values. */
function parseUnit(text: string): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    const [, title] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (title !== undefined) {
      section = {};
      sections[title] = section;
    } else if (key !== undefined && value !== undefined) section[key] = [...(section[key] ?? []), value];
    else expect(line).toBe('');
  }
  return sections;
}

describe('systemd unit', () => {
  it('starts before the gateway, comes back always, but not after 77 and 78', () => {
    const { Unit, Service, Install } = parseUnit(systemdUnit(describeAgent()));
    expect(Unit?.Before).toEqual([gatewayUnit]);
    expect(Unit?.After).toEqual(['authmesh-coordinator.service']);
    expect(Service).toMatchObject({
      Type: ['exec'],
      ExecStart: ['/usr/bin/node /opt/authmesh/agent.js run'],
      Restart: ['always'],
      RestartPreventExitStatus: ['77 78'],
      NoNewPrivileges: ['yes'],
    });
    expect(Install).toEqual({ WantedBy: ['default.target'] });
  });

  it('takes every path literally', () => {
    const { Service, Unit } = parseUnit(
      systemdUnit(
        describeAgent({
          summary: '100% fresh\nlogins',
          command: ['/opt/my node/bin/node', '/srv/50%/a"b\\c', '--home', '/h/$USER dir'],
          environment: { AUTHMESH_HOME: '/home/a b/%h' },
        }),
      ),
    );
    expect(Unit?.Description).toEqual(['100%% fresh logins']);
    expect(Service?.ExecStart).toEqual([`"/opt/my node/bin/node" "/srv/50%%/a\\"b\\\\c" --home "/h/$$USER dir"`]);
    expect(Service?.Environment).toEqual(['"AUTHMESH_HOME=/home/a b/%%h"']);
  });

  it('passes systemd’s own check where that is installed', async () => {
    const run = promisify(execFile);
    const program = join(home, 'a 100% node');
    await symlink(process.execPath, program);
    const command = [program, '--home', '/h/$USER dir'] as const;
    const file = join(home, 'authmesh-agent.service');
    await writeFile(file, systemdUnit(describeAgent({ command: [...command] })));
    const checked = await run('systemd-analyze', ['verify', '--user', '--man=no', file], {
      env: { ...process.env, XDG_RUNTIME_DIR: home },
    }).catch((error: { code?: unknown; stdout?: string; stderr?: string }) => error);
    if ('code' in checked && checked.code === 'ENOENT') return;
    const complaints = `${checked.stdout}${checked.stderr}`.split('\n').filter(line => line.includes('authmesh-agent'));
    expect(complaints).toEqual([]);
  });
});

describe('launchd agent', () => {
  it('reads back as it was meant', () => {
    const command = ['/opt/my node', '/a&b <c>.js', 'run'] as const;
    const text = launchdAgent(describeAgent({ command: [...command], environment: { A: 'ü "x"' } }), '/l/agent.log');
    expect(text).toContain('<!DOCTYPE plist');
    expect(parseLaunchdAgent(text)).toMatchObject({
      Label: 'dev.authmesh.agent',
      ProgramArguments: [...command],
      EnvironmentVariables: { A: 'ü "x"' },
      RunAtLoad: true,
      KeepAlive: true,
      Umask: 63,
      StandardErrorPath: '/l/agent.log',
    });
  });
});

describe('service on systemd', () => {
  const running = {
    'systemctl --user is-enabled': { stdout: 'enabled\n' },
    'systemctl --user is-active': { stdout: 'active\n' },
    loginctl: { stdout: 'Linger=no\n' },
  };

  it('installs, again without a change, and uninstalls', async () => {
    const { host, ran } = fakeHost('linux', running);
    const manager = serviceManager(describeAgent(), host);
    const first = await manager.install();
    const file = join(home, '.config/systemd/user/authmesh-agent.service');
    expect(first.status).toEqual({ manager: 'systemd', file, installed: true, enabled: true, active: true });
    expect(first.done).toEqual([
      `wrote ${file}`,
      'systemctl --user daemon-reload',
      'systemctl --user enable --now authmesh-agent.service',
      'systemctl --user restart authmesh-agent.service',
    ]);
    expect(first.todo).toEqual(['loginctl enable-linger ada']);
    expect(await readFile(file, 'utf8')).toBe(systemdUnit(describeAgent()));
    ran.length = 0;
    expect((await manager.install()).done[0]).toBe(`${file} is as it should be`);
    expect(ran).not.toContain('systemctl --user restart authmesh-agent.service');
    expect((await manager.uninstall()).done).toContain(`removed ${file}`);
    expect((await manager.uninstall()).done).toEqual([`${file} is not there`]);
    expect((await manager.status()).status.installed).toBe(false);
  });

  it('writes the unit and names the commands when there is no session bus', async () => {
    const { host } = fakeHost('linux', { systemctl: { status: 1, stderr: 'Failed to connect to bus' } });
    const { status, done, todo } = await serviceManager(describeAgent(), host).install();
    expect(status).toMatchObject({ installed: true, enabled: null, active: null });
    expect(done).toEqual([`wrote ${status.file}`]);
    expect(todo).toEqual(['systemctl --user daemon-reload', 'systemctl --user enable --now authmesh-agent.service']);
  });

  it('says which command failed and why', async () => {
    const { host } = fakeHost('linux', { 'systemctl --user enable': { status: 1, stderr: 'Unit is masked.\nmore' } });
    const { todo } = await serviceManager(describeAgent(), host).install();
    expect(todo).toEqual(['systemctl --user enable --now authmesh-agent.service (failed: Unit is masked.)']);
  });

  it('says what stands in the way of the file', async () => {
    const { host } = fakeHost('linux');
    await mkdir(join(home, '.config'));
    await writeFile(join(home, '.config/systemd'), '');
    await expect(serviceManager(describeAgent(), host).install()).rejects.toMatchObject({
      code: 'ERR_SERVICE',
      message: expect.stringContaining('a part of the path is not a directory'),
    });
  });
});

describe('service on launchd', () => {
  it('installs, and asks launchd how it stands', async () => {
    const { host, ran } = fakeHost('darwin', { 'launchctl print': { stdout: '{\n\tstate = running\n}' } });
    const { status } = await serviceManager(describeAgent(), host).install();
    expect(status).toMatchObject({ manager: 'launchd', installed: true, enabled: true, active: true });
    expect(status.file).toBe(join(home, 'Library/LaunchAgents/dev.authmesh.agent.plist'));
    expect(ran).toContain(`launchctl bootstrap gui/501 ${status.file}`);
    expect((await stat(join(home, 'Library/Logs/authmesh'))).isDirectory()).toBe(true);
    const { done } = await serviceManager(describeAgent(), host).uninstall();
    expect(done).toEqual(['launchctl bootout gui/501/dev.authmesh.agent', `removed ${status.file}`]);
  });

  it('names the command when there is no graphical session', async () => {
    const { host } = fakeHost('darwin', { launchctl: { status: 125 } });
    const { todo, status } = await serviceManager(describeAgent(), host).install();
    expect(todo).toEqual([`launchctl bootstrap gui/501 ${status.file}`]);
    expect(status).toMatchObject({ installed: true, enabled: false, active: false });
  });
});

it('knows no other service manager', () => {
  const { host } = fakeHost('win32');
  expect(() => serviceManager(describeAgent(), host)).toThrow('authmesh knows no service manager on win32');
});
