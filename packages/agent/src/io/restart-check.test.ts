import { createScene, holds, profile, seen, start } from '@authmesh/agent/core/agent-scene';
import { copyKey, type StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { checkRestart } from './restart-check.ts';
import type { StateDirectory } from './state-directory.ts';

const stateDir = '/home/claw/.openclaw';
const storeOf = (agent: string) => `${stateDir}/agents/${agent}/agent/auth-profiles.json` as StoreId;
const directory = (agents: readonly string[], more: Partial<StateDirectory> = {}): StateDirectory => ({
  stateDir,
  generation: 'json',
  gatewaySees: 'all',
  agents: agents.map(id => ({ id, store: storeOf(id), isPresent: true })),
  foreign: [],
  ...more,
});

/** A host whose agents had a login; the files of those that are `gone` are not there any more. */
function host(agents: readonly string[], gone: readonly string[] = []) {
  const scene = createScene();
  const contents = { state: 'readable', profiles: [seen('1', { expiresAt: start + hour })] } as const;
  for (const agent of agents) scene.tell({ type: 'store-observed', store: storeOf(agent), seen: contents });
  for (const agent of gone) scene.tell({ type: 'store-observed', store: storeOf(agent), seen: { state: 'absent' } });
  return scene.state();
}

const check = (state: ReturnType<typeof host>, directories: readonly StateDirectory[], inLine = new Map()) =>
  checkRestart({ state, directories, skipped: [] }, start, 15 * minute, inLine);

describe(checkRestart, () => {
  it('misses the file of an agent that is there, and none of an agent that was removed', () => {
    const state = host(['main', 'work'], ['work']);
    expect(check(state, [directory(['main', 'work'])])).toMatchObject({
      safe: false,
      profiles: [{ state: 'usable' }, { store: storeOf('work'), profile, state: 'missing', expiresAt: null }],
    });
    expect(check(state, [directory(['main'])])).toMatchObject({ safe: true, profiles: [{ state: 'usable' }] });
  });

  it('misses all of them where the whole folder of state is empty', () => {
    const found = check(host(['main'], ['main']), [directory([], { generation: 'none' })]);
    expect(found).toMatchObject({ safe: false, profiles: [{ state: 'missing' }] });
  });

  it('misses nothing where the owner of another tool logged out of it', () => {
    const found = check(host(['main'], ['main']), [directory(['main'], { tool: 'codex-cli', generation: 'none' })]);
    expect(found).toEqual({ safe: true, profiles: [] });
  });

  it('counts what is in line as safe, and says why', () => {
    const inLine = new Map([[copyKey(storeOf('work'), profile), 'healed in its turn after the start, place 3']]);
    const { safe, profiles } = check(host(['main', 'work'], ['work']), [directory(['main', 'work'])], inLine);
    expect(safe).toBe(true);
    expect(profiles[1]?.reason).toMatch(/; healed in its turn after the start, place 3$/);
  });

  it('does not vouch for a database, and leaves a file aside that OpenClaw no longer reads', () => {
    const database = { path: `${stateDir}/state/openclaw.sqlite`, reason: 'it is a database' };
    const leftover = { path: storeOf('main'), reason: 'OpenClaw no longer reads it' };
    const scene = createScene();
    scene.tell(holds());
    const sqlite = directory([], { generation: 'sqlite', foreign: [database, leftover] });
    expect(check(scene.state(), [sqlite])).toEqual({
      safe: false,
      profiles: [
        { store: database.path, profile: '', state: 'unreadable', expiresAt: null, reason: 'it is a database' },
      ],
    });
  });
});
