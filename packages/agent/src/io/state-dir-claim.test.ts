import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStateDirClaims, findOtherAgents, type StateDirClaims } from './state-dir-claim.ts';

let root: string;
let folder: string;
const claimed: StateDirClaims[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'authmesh-claim-'));
  folder = join(root, 'claims');
  for (const name of ['home-1', 'home-2', 'openclaw', 'other']) mkdirSync(join(root, name));
});
afterEach(async () => {
  for (const one of claimed.splice(0)) await one.release();
  rmSync(root, { recursive: true });
});

const at = (name: string) => join(root, name);
function claims(home: string, troubles: string[] = []): StateDirClaims {
  const made = createStateDirClaims(at(home), sentence => troubles.push(sentence), folder);
  claimed.push(made);
  return made;
}

describe('a state directory', () => {
  it('has one agent: a second one is refused with the home and the process of the first', async () => {
    const first = claims('home-1');
    await first.change({ stateDirs: [at('openclaw')] });
    expect(readdirSync(at('openclaw'))).toEqual([]);
    await expect(claims('home-2').change({ stateDirs: [at('openclaw')] })).rejects.toMatchObject({
      code: 'ERR_ALREADY_RUNNING',
      exitCode: 75,
      message: `${at('openclaw')} is kept by another agent already, with the home ${at('home-1')}, as process ${process.pid}`,
    });
    await first.release();
    await claims('home-2').change({ stateDirs: [at('openclaw')] });
  });

  it('is the same by whatever path', async () => {
    symlinkSync(at('openclaw'), at('link'));
    await claims('home-1').change({ stateDirs: [at('openclaw')] });
    await expect(claims('home-2').change({ stateDirs: [at('link')] })).rejects.toMatchObject({
      code: 'ERR_ALREADY_RUNNING',
    });
  });

  it('is seen by the doctor of the other home, and not by its own', async () => {
    await claims('home-1').change({ stateDirs: [at('openclaw')] });
    const dirs = [at('other'), at('openclaw')];
    const other = { stateDir: at('openclaw'), home: at('home-1'), pid: process.pid };
    expect(await findOtherAgents(at('home-2'), { stateDirs: dirs }, folder)).toEqual([other]);
    expect(await findOtherAgents(at('home-1'), { stateDirs: dirs }, folder)).toEqual([]);
  });
});

describe('claims', () => {
  it('change together or not at all', async () => {
    const [first, second] = [claims('home-1'), claims('home-2')];
    await first.change({ stateDirs: [at('openclaw')] });
    await second.change({ stateDirs: [at('other')] });
    await expect(first.change({ stateDirs: [at('home-1'), at('other')] })).rejects.toMatchObject({
      code: 'ERR_ALREADY_RUNNING',
    });
    expect(await findOtherAgents(at('home-2'), { stateDirs: [at('openclaw'), at('home-1')] }, folder)).toHaveLength(1);
    await second.change({ stateDirs: [] });
    await first.change({ stateDirs: [at('other')] });
    await second.change({ stateDirs: [at('openclaw')] });
  });

  it('that cannot be made keep no agent from starting', async () => {
    writeFileSync(folder, 'a file');
    const troubles: string[] = [];
    await claims('home-1', troubles).change({ stateDirs: [at('openclaw')] });
    expect(troubles).toEqual([expect.stringContaining(folder)]);
  });
});
