import {
  coverageOf,
  coverageSentence,
  type DriftStatus,
  driftProblems,
  driftSentence,
  driftStatus,
} from '@authmesh/agent/io/drift-status';
import { type Instant, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { describeDuration } from '@authmesh/shared/node/duration';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { type Output, table } from '@authmesh/shared/node/output';
import { withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

export const driftCommand: Command = {
  name: 'drift',
  summary: 'show secrets that hosts share, and where they differ',
  options: [homeOption],
  example: 'authmesh-agent drift',
  async run(context) {
    const { identity, settings } = await openHome(context);
    const { drift: views } = await withCoordinator(identity, settings.coordinators, session =>
      session.ask({ type: 'drift' }, 'overview'),
    );
    const drift = views.map(driftStatus);
    context.output.data({ drift, coverage: coverageOf(drift) }, () =>
      drawDrift(drift, Date.now(), context.output.paint),
    );
    return drift.some(one => driftProblems(one, 0).length > 0) ? exitCodes.problem : exitCodes.ok;
  },
};

/** The secrets as a person reads them; what is wrong with them comes last, for it is what was asked. */
function drawDrift(drift: readonly DriftStatus[], now: Instant, paint: Output['paint']): string {
  if (drift.length === 0) return 'No host compares a secret: `secrets` of agent.json names them.';
  const problems = drift.flatMap(one => driftProblems(one, now)).map(driftSentence);
  const away = [...new Set(drift.flatMap(one => one.away))];
  return [
    driftTable(drift, now, paint),
    `${coverageSentence(drift)}.${away.length > 0 ? ` Away, and compared by what they told last: ${away.join(', ')}.` : ''}`,
    ...(problems.length > 0 ? [problems.map(problem => `${paint('red', '!')} ${problem}`).join('\n')] : []),
  ].join('\n\n');
}

/** One line a secret. */
export function driftTable(drift: readonly DriftStatus[], now: Instant, paint: Output['paint']): string {
  return table(
    ['SECRET', 'GROUP', 'STATE', 'SINCE', 'COMPARED'],
    drift.map(({ name, group, state, since, compared, declared }) => [
      name,
      group ?? '-',
      paint(state === 'equal' ? 'green' : state === 'alone' ? 'yellow' : 'red', state),
      since === null ? '-' : describeDuration(Math.max(second, now - Date.parse(since))),
      `${compared} of ${declared}`,
    ]),
  );
}
