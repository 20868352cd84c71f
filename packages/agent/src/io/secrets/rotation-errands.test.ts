import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import type { RotationOrder, RotationReport } from '@authmesh/shared/protocol/rotation';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secretDeclarations, withPlaces } from '../formats/secret-declaration.ts';
import { createRotationErrands } from './rotation-errands.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-rotation-'));
  await writeFile(file(), 'KEY=old\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = () => join(folder, '.env');
/** Whoever accepts the value: a file that the operator's command leaves it in, and that says how it went. */
const accepted = () => readFile(join(folder, 'accepted'), 'utf8');
const sh = (script: string) => ['/bin/sh', '-c', script];

/** A host whose command tells who accepts the value, and fails as `script` says. */
function host(script = '', name = 'KEY') {
  const command = sh(`cat > ${folder}/accepted; echo x >> ${folder}/runs; ${script}`);
  const stated = [
    {
      name,
      from: { dotenv: file() },
      to: { dotenv: file() },
      rotate: { every: '1d', generate: sh('echo new'), command },
    },
  ];
  const declared = secretDeclarations.parse(stated).map(one => withPlaces(one, []));
  return createRotationErrands({
    home: folder,
    fleet: 'fleet-1' as FleetId,
    fleetKey: new Uint8Array(32).fill(3),
    declarations: () => declared,
    now: () => 1_000,
    signal: new AbortController().signal,
  });
}
type Host = ReturnType<typeof host>;

async function make(carryOut: Host, epoch = 5): Promise<RotationOrder> {
  const { value, previous } = await carryOut(order({ step: 'make', epoch }));
  expect([value, previous]).toEqual([expect.any(String), expect.any(String)]);
  return order({ step: 'switch', epoch, value, previous });
}
function order(more: Pick<RotationOrder, 'step'> & Partial<RotationOrder>): RotationOrder {
  return { type: 'rotation-order', name: 'KEY', epoch: 5, ...more };
}
const why = ({ why: said }: RotationReport) => said;
const runs = async () => (await readFile(join(folder, 'runs'), 'utf8')).length / 2;

it('switches once, however often it is asked to', async () => {
  const carryOut = host();
  const toSwitch = await make(carryOut);
  expect(why(await carryOut(toSwitch))).toBeUndefined();
  expect([await readFile(file(), 'utf8'), await accepted()]).toEqual(['KEY=new\n', 'new']);
  // Whoever was asked on a link that broke is asked again, also after a start.
  expect(why(await host()(toSwitch))).toBeUndefined();
  expect(why(await host('', 'OTHER')(toSwitch))).toBeUndefined();
  expect(await runs()).toBe(1);
});

it('takes a switch back that fails, and says the same when it is asked again', async () => {
  const fails = host('[ "$AUTHMESH_SECRET" = old ]');
  const toSwitch = await make(fails);
  expect(await fails(toSwitch)).toMatchObject({ why: '/bin/sh ended with status 1' });
  expect([await readFile(file(), 'utf8'), await accepted()]).toEqual(['KEY=old\n', 'old']);
  // The coordinator has given it up by now: to switch after all would leave the fleet with two values.
  expect(await host()(toSwitch)).toMatchObject({ why: '/bin/sh ended with status 1' });
  expect(await readFile(file(), 'utf8')).toBe('KEY=old\n');
});

it('is stuck where what was before cannot be put back, and tries it again when it is asked to', async () => {
  const toSwitch = await make(host('exit 1'));
  expect(await host('exit 1')(toSwitch)).toMatchObject({
    isStuck: true,
    why: expect.stringContaining('could not be put back'),
  });
  // Whoever takes it out of agent.json meanwhile has not made it harmless.
  expect(await host('', 'OTHER')(toSwitch)).toMatchObject({ isStuck: true });
  expect(why(await host()(toSwitch))).toBeUndefined();
  expect(await readFile(file(), 'utf8')).toBe('KEY=new\n');
});

it('takes no value in the place of another, and none of an earlier rotation', async () => {
  const carryOut = host();
  const toSwitch = await make(carryOut);
  const swapped = { ...toSwitch, value: toSwitch.previous, previous: toSwitch.value };
  expect(why(await carryOut(swapped))).toContain('the value is not good');
  expect(why(await carryOut({ ...toSwitch, epoch: 6 }))).toContain('the value is not good');
  const later = await make(carryOut, 9);
  expect(why(await carryOut({ ...later, step: 'apply' }))).toBeUndefined();
  expect(why(await carryOut(toSwitch))).toBe('a later rotation was carried out here already');
  expect(await readFile(file(), 'utf8')).toBe('KEY=new\n');
});

it('says what is in the way before anything is switched', async () => {
  const carryOut = host();
  const toSwitch = await make(carryOut);
  expect(why(await carryOut({ ...toSwitch, step: 'stage' }))).toBeUndefined();
  await rm(folder, { recursive: true });
  for (const step of ['stage', 'make'] as const)
    expect(why(await carryOut({ ...toSwitch, step }))).toContain('there is no such folder');
  expect(why(await carryOut({ ...toSwitch, name: 'OTHER' }))).toContain('names no such secret');
});
