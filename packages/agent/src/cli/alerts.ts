import { type AlertStatus, alertStatus } from '@authmesh/agent/io/alert-status';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { describeDuration, parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { type Output, table } from '@authmesh/shared/node/output';
import type { Question } from '@authmesh/shared/protocol/question';
import { withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

type AlertQuestion = Extract<Question, { type: 'alerts' | 'acknowledge' | 'mute' }>;

/** Longest time for which nobody is told. */
const muteMsMax: Milliseconds = parseDuration('--for', '365d');

export const alertsCommand: Command = {
  name: 'alerts',
  summary: 'show what is wrong in the fleet, and who has been told',
  options: [homeOption, { flags: '--all', description: 'show what is over, too' }],
  example: 'authmesh-agent alerts',
  async run(context) {
    const status = await asked(context, { type: 'alerts' });
    const isAll = context.flag('all');
    const incidents = status.incidents.filter(({ state }) => isAll || state === 'open');
    const shown = { ...status, incidents };
    context.output.data(shown, () => drawAlerts(shown, Date.now(), context.output.paint));
    return status.open > 0 ? exitCodes.problem : exitCodes.ok;
  },
};

export const ackCommand: Command = {
  name: 'ack',
  summary: 'say that incidents have been seen: they are told again only when they get worse, or end',
  arguments: '<ids...>',
  options: [homeOption],
  example: 'authmesh-agent ack secret/INTERNAL_AUTH_SECRET',
  async run(context) {
    const ids = context.arguments;
    const status = await asked(context, { type: 'acknowledge', ids: [...ids] });
    const seen = status.incidents.filter(({ id }) => ids.includes(id));
    context.output.data({ acknowledged: seen }, () => `Seen: ${ids.join(', ')}`);
    return exitCodes.ok;
  },
};

export const muteCommand: Command = {
  name: 'mute',
  summary: 'tell nobody of incidents for a while, by their id or kind (a glob)',
  arguments: '<pattern>',
  options: [
    homeOption,
    { flags: '--for <time>', description: 'how long, as 30m, 2h or 1d (default 1h)' },
    { flags: '--off', description: 'tell again' },
  ],
  example: "authmesh-agent mute 'node/*' --for 2h",
  async run(context) {
    const [pattern = ''] = context.arguments;
    const forMs = context.flag('off') ? 0 : parseDuration('--for', context.option('for') ?? '1h');
    if (forMs > muteMsMax)
      throw new AuthmeshError('ERR_USAGE', '--for is longer than a year', { hint: 'name a shorter time' });
    const { mutes } = await asked(context, { type: 'mute', pattern, forMs });
    context.output.data({ mutes }, () => {
      const mute = mutes.find(one => one.pattern === pattern);
      return mute ? `Nobody is told of ${pattern} until ${mute.until}.` : `${pattern} is told of again.`;
    });
    return exitCodes.ok;
  },
};

async function asked(context: CommandContext, question: AlertQuestion): Promise<AlertStatus> {
  const { identity, settings } = await openHome(context);
  return alertStatus(
    await withCoordinator(identity, settings.coordinators, session => session.ask(question, 'alerts')),
  );
}

/** Incidents as a person reads them: first what is wrong, then what mends it. */
function drawAlerts({ incidents, open, mutes, channels }: AlertStatus, now: Instant, paint: Output['paint']): string {
  const age = (at: string) => describeDuration(Math.max(second, now - Date.parse(at)));
  const parts = [open === 0 ? 'Nothing is wrong that alerts are told of.' : `${open} open.`];
  if (incidents.length > 0) {
    parts.push(
      table(
        ['ID', 'SEVERITY', 'SINCE', 'WHERE', 'SEEN BY'],
        incidents.map(({ id, state, severity, since, where, acknowledged }) => [
          id,
          state === 'resolved'
            ? paint('green', 'resolved')
            : paint(severity === 'critical' ? 'red' : 'yellow', severity),
          age(since),
          where.join(', ') || '-',
          acknowledged?.by ?? '-',
        ]),
      ),
    );
    const isOpen = incidents.filter(({ state }) => state === 'open');
    if (isOpen.length > 0)
      parts.push(
        isOpen.map(({ what, why, mend }) => `! ${[what, why].filter(Boolean).join(': ')}\n  ${mend}`).join('\n'),
      );
  }
  for (const { pattern, until, by } of mutes) parts.push(`Nobody is told of ${pattern} until ${until} (${by}).`);
  if (channels.length === 0) parts.push('Nobody is told: `alerts` of coordinator.json names no channel.');
  for (const { name, waiting, trouble } of channels)
    if (trouble)
      parts.push(
        `${paint('red', '!')} ${name} takes no messages for ${age(trouble.since)}: ${trouble.why}; ${waiting} to be told`,
      );
  return parts.join('\n\n');
}
