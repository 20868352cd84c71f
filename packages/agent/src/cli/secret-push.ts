import { randomBytes } from 'node:crypto';
import { second } from '@authmesh/shared/core/time';
import { sealSecretOrder } from '@authmesh/shared/crypto/sealed-secret';
import type { Command } from '@authmesh/shared/node/command-line';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

/** The coordinator waits for the host that gives the value, and then for those that take it. */
const patienceMs = 65 * second;

export const secretPushCommand: Command = {
  name: 'secret push',
  summary: 'spread the value of one host to every place that `to` of the hosts’ agent.json names',
  arguments: '<name>',
  options: [
    homeOption,
    { flags: '--from <node>', description: 'the host, or place, that has the right value (default: this host)' },
    { flags: '--group <group>', description: 'the group of the secret, where it is compared in groups' },
  ],
  example: 'authmesh-agent secret push INTERNAL_AUTH_SECRET --from pc-a',
  async run(context) {
    const [name = ''] = context.arguments;
    const group = context.option('group');
    const { identity, settings } = await openHome(context);
    const { fleet, secrets } = identity.membership;
    const from = context.option('from') ?? identity.membership.name;
    const pushed = await withCoordinator(identity, settings.coordinators, session => {
      const at = Date.now() - session.clockOffsetMs;
      const nonce = randomBytes(16).toString('hex');
      const order = sealSecretOrder({ fleet, name, group, nonce, at, from }, secrets.fleetKey);
      return session.ask({ type: 'push', name, group, from, order }, 'pushed', patienceMs);
    });
    const { nodes, more } = pushed;
    const isDone = nodes.every(({ state }) => state === 'done');
    context.output.data({ name, group, from, nodes, more }, () =>
      [sentenceOf(name, pushed), ...linesOf(pushed)].join('\n'),
    );
    return isDone ? exitCodes.ok : exitCodes.problem;
  },
};

type Pushed = Extract<AnswerBody, { type: 'pushed' }>;

function sentenceOf(name: string, { from, nodes, more }: Pushed): string {
  const done = nodes.filter(({ state }) => state === 'done').length;
  return `${name} of ${from} is on ${done} of ${nodes.length + more} hosts${done === nodes.length ? '.' : ':'}`;
}

/** One line for each place of which there is something to say. */
function linesOf({ nodes, more }: Pushed): string[] {
  const lines = nodes.flatMap(({ node, state, results, why }) => {
    if (state === 'no-target') return [`  ${node}: its agent.json names no \`to\` for it; set it there`];
    if (state === 'away') return [`  ${node}: it is away; push again when it is back`];
    if (state === 'silent') return [`  ${node}: it did not answer in time`];
    if (why !== undefined) return [`  ${node}: ${why}`];
    return results.map(result => `  ${node}: ${result.target}: ${result.why ?? words[result.state]}`);
  });
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}

const words = {
  written: 'written and read back',
  same: 'it was there already',
  told: 'the command took it',
  failed: 'it failed',
} as const;
