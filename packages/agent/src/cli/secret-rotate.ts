import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import type { DriftView } from '@authmesh/shared/protocol/secrets';
import { type CommandSession, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

const lookMs: Milliseconds = 250;
/** For the switch, and for those who are there to take the new value. */
const patienceMs: Milliseconds = 3 * minute;

type Rotation = NonNullable<DriftView['rotation']>;

export const secretRotateCommand: Command = {
  name: 'secret rotate',
  summary: 'give a secret a new value now, on every host that has it',
  arguments: '<name>',
  options: [
    homeOption,
    { flags: '--group <group>', description: 'the group of the secret, where it is compared in groups' },
  ],
  example: 'authmesh-agent secret rotate OPENCLAW_GATEWAY_TOKEN',
  async run(context) {
    const [name = ''] = context.arguments;
    const group = context.option('group');
    const { identity, settings } = await openHome(context);
    const { node, rotation } = await withCoordinator(identity, settings.coordinators, async session => {
      const { node, epoch } = await session.ask({ type: 'rotate', name, group }, 'rotating');
      context.output.say(`${node} rotates ${name}.`);
      return { node, rotation: await endOf(session, { name, group, epoch }) };
    });
    const { failed, pending, phase } = rotation;
    const isDone = failed === undefined && phase !== 'switching';
    context.output.data({ name, group, node, rotated: isDone, pending, why: failed?.why ?? null }, () => {
      if (failed) return `${name} was not rotated: ${failed.why}`;
      if (!isDone) return `${node} has not said whether it switched: the rotation goes on when it is back.`;
      if (pending.length === 0) return `${name} has a new value on every host that has it.`;
      return `${name} has a new value; ${pending.join(', ')} still have the old one, and get it when they are back.`;
    });
    return isDone && pending.length === 0 ? exitCodes.ok : exitCodes.problem;
  },
};

/** Waits until the rotation is over, or only hosts that are away have still to take the new value. */
async function endOf(
  session: CommandSession,
  { name, group, epoch }: { readonly name: string; readonly group: string | undefined; readonly epoch: number },
): Promise<Rotation> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { drift } = await session.ask({ type: 'drift' }, 'overview');
    const { nodes } = await session.ask({ type: 'nodes' }, 'overview');
    const rotation = drift.find(one => one.name === name && one.group === group)?.rotation;
    if (!rotation || rotation.epoch < epoch)
      throw new AuthmeshError('ERR_NOT_FOUND', `the coordinator knows of no rotation of ${name} any more`);
    const isOnline = (host: string) => nodes.some(one => one.name === host && one.online);
    const isSpread = rotation.phase === 'spreading' && !rotation.pending.some(isOnline);
    if (rotation.phase === 'resting' || isSpread || performance.now() > deadline) return rotation;
    await delay(lookMs);
  }
}
