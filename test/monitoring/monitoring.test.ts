import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/harness/condition.ts';
import type { Host } from '../e2e/harness/host.ts';
import { type Owner, oauth, owner } from '../e2e/harness/login.ts';
import { renew, share } from '../e2e/harness/share.ts';
import { type Fleet, useStage } from '../e2e/harness/stage.ts';

const etc = fileURLToPath(new URL('../../etc', import.meta.url));
const stage = useStage();

function promtool(args: readonly string[], input?: string) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: etc, input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

describe('what monitoring is given', () => {
  let fleet: Fleet;
  let hosts: readonly [Host, Host];
  let login: Owner;
  let metrics: string;
  const read = async () => (await fetch(new URL('/metrics', fleet.coordinator.url().replace('ws', 'http')))).text();

  beforeAll(async () => {
    ({ fleet, hosts } = await stage.hosts('pc-a', 't440'));
    const [a, b] = hosts;
    await read();
    login = owner();
    await share(login, a, b);
    await renew(login, a, b);
    a.configure({ secrets: [{ name: 'KEY', from: { dotenv: '../app.env' } }] });
    b.configure({ secrets: [{ name: 'KEY', from: { dotenv: '../app.env' } }] });
    for (const [host, value] of [
      [a, 'one'],
      [b, 'other'],
    ] as const) {
      writeFileSync(join(dirname(host.home), 'app.env'), `KEY=${value}\n`);
      process.kill(host.daemon().pid, 'SIGHUP');
    }
    await until('the incident is counted', async () =>
      /authmesh_incidents\{severity="critical"\} 1/.test(await read()),
    );
    metrics = await read();
  });

  const value = (pattern: RegExp) => Number(pattern.exec(metrics)?.[1]);

  it('are metrics that promtool takes', () => {
    // The library's own names of the process break a rule of Prometheus.
    const own = metrics.split('\n').filter(line => !/^(# \w+ )?nodejs_/.test(line));
    expect(promtool(['check', 'metrics'], own.join('\n'))).toEqual({ status: 0, said: '' });
  });

  it('tells of logins, hosts, secrets and incidents, and of nobody by name', () => {
    expect(value(/^authmesh_login_expiry_seconds\{account="openai#[0-9a-f]{8}"\} (\d+)/m)).toBeGreaterThan(60);
    expect(value(/^authmesh_login_revision\{account="openai#[0-9a-f]{8}"\} (\d+)/m)).toBe(2);
    expect(value(/^authmesh_nodes_online (\d+)/m)).toBe(2);
    expect(value(/^authmesh_node_lag_seconds\{node="t440"\} ([\d.]+)/m)).toBeLessThan(60);
    expect(value(/^authmesh_secret_values\{secret="KEY"\} (\d+)/m)).toBe(2);
    expect(value(/^authmesh_propagation_seconds_count (\d+)/m)).toBeGreaterThanOrEqual(1);
    expect(value(/^authmesh_audited_total\{action="accept"\} (\d+)/m)).toBe(2);
    expect(value(/^authmesh_pool_sessions\{pool="all",state="limit"\} (\d+)/m)).toBe(1_000);
    expect(metrics).not.toContain(login.account);
    for (const token of [oauth(login).access, 'KEY=one']) expect(metrics).not.toContain(token);
  });

  it('has rules that hold what they say', () => {
    expect(promtool(['check', 'rules', 'authmesh.rules.yml'])).toMatchObject({ status: 0 });
    expect(promtool(['test', 'rules', 'authmesh.rules.test.yml'])).toMatchObject({ status: 0 });
  });

  it.each(['authmesh.rules.yml', 'authmesh.dashboard.json'])('%s asks for nothing that is not told', file => {
    const text = readFileSync(join(etc, file), 'utf8');
    const asked = new Set([...text.matchAll(/\bauthmesh_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, '')));
    const told = new Set([...metrics.matchAll(/^# TYPE (authmesh_\w+)/gm)].map(([, name]) => name));
    expect(asked.size).toBeGreaterThan(5);
    expect([...asked].filter(name => !told.has(name))).toEqual([]);
  });

  it('has a dashboard whose panels have queries, and lie beside each other', () => {
    const { panels } = JSON.parse(readFileSync(join(etc, 'authmesh.dashboard.json'), 'utf8')) as {
      panels: { id: number; targets: { expr: string }[]; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    const rules = panels.flatMap(({ targets }, panel) =>
      targets.map(({ expr }, target) => ({ record: `panel:${panel}:${target}`, expr })),
    );
    // JSON is YAML: each query as a rule, which promtool has to understand.
    const file = join(fleet.folder, 'queries.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(promtool(['check', 'rules', file])).toEqual({
      status: 0,
      said: expect.stringContaining(`${rules.length} rules found`),
    });
  });
});
