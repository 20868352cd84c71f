import { readDiskState } from '@authmesh/agent/io/disk-state';
import { findLooseModes } from '@authmesh/agent/io/loose-modes';
import { readOfflineStatus } from '@authmesh/agent/io/offline-status';
import { findOtherAgents } from '@authmesh/agent/io/state-dir-claim';
import type { Status } from '@authmesh/agent/io/status-view';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { diagnoseAlerts } from './alert-diagnosis.ts';
import { withCoordinator } from './command-session.ts';
import { diagnose } from './diagnosis.ts';
import type { Finding } from './finding.ts';
import { homeOption, openHome } from './home.ts';
import { diagnosePools } from './pool-diagnosis.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look for everything that could be wrong on this host, with what mends it',
  options: [homeOption],
  example: 'authmesh-agent doctor',
  async run(context) {
    const findings: Finding[] = [];
    const opened = await openHome(context).catch((error: unknown) => {
      if (!(error instanceof AuthmeshError)) throw error;
      findings.push({ name: 'home', state: 'problem', found: error.message, mend: error.hint });
      return undefined;
    });
    if (opened) {
      const { home, identity, settings } = opened;
      findings.push({ name: 'home', state: 'ok', found: `${home} is a member as ${identity.membership.name}` });
      const running = await askControl({ home, request: { op: 'status' } }).catch(unreachable);
      const status = (running ??
        (await readOfflineStatus({
          home,
          identity,
          config: settings.config,
          places: settings.places,
        }))) as Status;
      const coordinator = await withCoordinator(identity, settings.coordinators, async session => {
        const { pools } = await session.ask({ type: 'pools' }, 'pools');
        const alerts = await session.ask({ type: 'alerts' }, 'alerts');
        return { pools, alerts, clockOffsetMs: session.clockOffsetMs };
      }).catch((error: unknown) => ({ problem: unansweredBy(error) }));
      findings.push(
        ...diagnose(
          {
            status,
            isRunning: running !== undefined,
            coordinatorProblem: 'problem' in coordinator ? coordinator.problem : undefined,
            clockOffsetMs: 'clockOffsetMs' in coordinator ? coordinator.clockOffsetMs : undefined,
            stateDirs: settings.places.stateDirs,
            others: await findOtherAgents(home, settings.places),
            looseModes: await findLooseModes(status.stores.map(({ store }) => store)),
          },
          Date.now(),
        ),
      );
      const { state } = await readDiskState({ home, identity, config: settings.config, places: settings.places });
      const known = 'pools' in coordinator ? coordinator.pools : (state.overview?.body.pools ?? []);
      findings.push(...diagnosePools(state, known));
      if ('alerts' in coordinator) findings.push(...diagnoseAlerts(coordinator.alerts, identity.membership.name));
    }
    findings.sort((one, other) => ranks[one.state] - ranks[other.state]);
    const healthy = findings.every(finding => finding.state !== 'problem');
    context.output.data({ healthy, findings }, () =>
      findings.map(finding => drawFinding(finding, context.output.paint)).join('\n'),
    );
    return healthy ? exitCodes.ok : exitCodes.problem;
  },
};

function unansweredBy(error: unknown): { readonly found: string; readonly mend: string } {
  if (!(error instanceof AuthmeshError)) throw error;
  const rejoin = 'look which coordinator that is; if it is the fleet’s new one, join again in a fresh home';
  return { found: error.message, mend: error.hint ?? rejoin };
}

function unreachable(error: unknown): undefined {
  if (error instanceof AuthmeshError && error.code === 'ERR_DAEMON_UNREACHABLE') return undefined;
  throw error;
}

/** What is wrong comes first, in the order in which it was looked at: what may cause the rest before the rest. */
const ranks = { problem: 0, notice: 1, ok: 2 } as const;

const marks = { ok: ['green', 'ok'], notice: ['yellow', 'note'], problem: ['red', 'problem'] } as const;

function drawFinding(
  { name, state, found, mend }: Finding,
  paint: (style: 'green' | 'yellow' | 'red', text: string) => string,
): string {
  const [colour, word] = marks[state];
  return `${paint(colour, word.padEnd(8))} ${name}: ${found}${mend === undefined ? '' : `\n         → ${mend}`}`;
}
