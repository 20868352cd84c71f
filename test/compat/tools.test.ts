import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ToolName } from '@authmesh/agent/core/tools';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../e2e/harness/host.ts';
import { need, useStage } from '../e2e/harness/stage.ts';
import { hour } from './fixture.ts';
import type { Outcome } from './program.ts';
import { type Login, type Provider, startProvider } from './provider.ts';
import { installTool, toolPrograms } from './tool-program.ts';

const only = process.env.AUTHMESH_COMPAT_ONLY?.split(',');
const stage = useStage();

/** Two hosts with one real tool each. The bearer that arrives at the model is the judge. */
describe.each(
  Object.entries(toolPrograms)
    .filter(([tool]) => only?.includes(tool) ?? true)
    .map(([tool, program]) => ({ tool: tool as ToolName, ...program })),
)('$tool $version', ({ tool, file, signedIn, accessIn }) => {
  let provider: Provider;
  let a: Host;
  let b: Host;
  let ask: (home: string) => Promise<Outcome>;
  const account = 'someone@example.test';

  const homeOf = (host: Host): string => dirname(host.home);
  const read = (host: Host): never => JSON.parse(readFileSync(join(homeOf(host), file), 'utf8')) as never;

  beforeAll(async () => {
    provider = await startProvider();
    ask = await installTool(tool, provider);
    const fleet = await stage.fleet();
    [a, b] = [fleet.host('pc-a'), fleet.host('t440')];
    for (const host of [a, b]) {
      await fleet.join(host);
      host.configure({ stores: [tool] });
    }
    signIn(b, -hour);
    signIn(a, hour);
    for (const host of [a, b]) {
      await host.start();
      await host.online();
    }
    if (tool === 'claude-code') need(await b.agent('link', 'claude-code:default', 'pc-a', 't440'), 'link');
  });
  afterAll(() => provider.close());

  /** The owner logs in with the tool. */
  function signIn(host: Host, lifeMs: number): Login {
    const login = provider.issue(lifeMs);
    const path = join(homeOf(host), file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(signedIn(login, account), null, 2), { mode: 0o600 });
    return login;
  }

  async function delivered(access: unknown): Promise<void> {
    const wanted = { timeout: 40_000, interval: 20, message: `the delivery into ${file}` };
    await expect.poll(() => accessIn(read(b)) === access, wanted).toBe(true);
  }

  /** What the tool sent when it was asked something. */
  async function bearers(): Promise<readonly string[]> {
    const before = provider.bearers.length;
    await ask(homeOf(b));
    // What needs no login goes without a bearer.
    return [...new Set(provider.bearers.slice(before))].filter(name => name !== 'unknown');
  }

  it('a dead login is healed when its host joins, and the tool uses it', async () => {
    await delivered(accessIn(read(a)));
    const [name] = await bearers();
    expect(name).toMatch(/^login \d+$/);
    expect(accessIn(read(b))).toBe(accessIn(read(a)));
  });

  it('a login renewed on one host is used by the tool on the other, which leaves it as it is', async () => {
    const login = signIn(a, hour);
    await delivered(login.access);
    const before = read(b);
    expect(await bearers()).toEqual([login.name]);
    expect([read(b), provider.exchanges]).toEqual([before, []]);
    expect(JSON.stringify(before).includes(login.refresh)).toBe(tool === 'gemini-cli');
  });
});
