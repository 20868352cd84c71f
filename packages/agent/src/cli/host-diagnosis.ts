import { toolFormats } from '@authmesh/agent/io/formats/tool-formats';
import type { LooseMode } from '@authmesh/agent/io/loose-modes';
import type { OtherAgent } from '@authmesh/agent/io/state-dir-claim';
import type { Status } from '@authmesh/agent/io/status-view';
import { type Milliseconds, significantOffset } from '@authmesh/shared/core/time';
import { describeDuration } from '@authmesh/shared/node/duration';
import { type Finding, notice, ok, problem } from './finding.ts';
import { groupLacks } from './lacked-logins.ts';
import { homeProblem } from './status-problems.ts';

/** What `doctor` looks at. */
export interface Examined {
  readonly status: Status;
  readonly isRunning: boolean;
  /** Why the coordinator did not answer this very moment. */
  readonly coordinatorProblem: { readonly found: string; readonly mend: string } | undefined;
  /** This host's clock minus the coordinator's, as far as it answered. */
  readonly clockOffsetMs?: Milliseconds | undefined;
  readonly stateDirs: readonly string[];
  /** Agents with another home that keep one of these state directories. */
  readonly others?: readonly OtherAgent[] | undefined;
  /** Stores of this host that others may read. */
  readonly looseModes?: readonly LooseMode[] | undefined;
}

/** What stands around the logins on this host: the daemon, its coordinator, the clock, OpenClaw's folders. */
export function diagnoseHost(examined: Examined): Finding[] {
  const { status, isRunning, coordinatorProblem, clockOffsetMs = 0, others = [], looseModes = [] } = examined;
  return [
    isRunning
      ? ok('daemon', 'it runs')
      : problem('daemon', 'it does not run', '`authmesh-agent service install`, or `authmesh-agent run` in a terminal'),
    ...homeFindings(status),
    coordinatorFinding(status, coordinatorProblem),
    ...clockFindings(clockOffsetMs),
    ...others.map(otherFinding),
    ...stateDirFindings(examined),
    ...status.tools.flatMap(toolFindings),
    ...looseModes.map(modeFinding),
  ];
}

function homeFindings({ home }: Status): Finding[] {
  if (home?.problem === undefined) return [];
  const mend = 'make room there, or make it writable; what could not be kept is kept by itself then';
  return [problem('home', homeProblem(home.path, home.problem), mend)];
}

/** authmesh corrects for the difference where it compares and writes expiries; nothing else on the host does. */
function clockFindings(measuredMs: Milliseconds): Finding[] {
  const offsetMs = significantOffset(measuredMs);
  if (offsetMs === 0) return [];
  const found = `this host’s clock is ${describeDuration(offsetMs)} ${offsetMs > 0 ? 'ahead of' : 'behind'} the coordinator’s`;
  const command = process.platform === 'darwin' ? 'sudo sntp -sS time.apple.com' : 'sudo timedatectl set-ntp true';
  return [notice('clock', found, `\`${command}\` on the host whose clock is wrong`)];
}

/** authmesh keeps the mode that its owner gave a store. */
function modeFinding({ path, mode }: LooseMode): Finding {
  return problem('store', `others than its owner may read ${path} (mode ${mode})`, `chmod 600 ${path}`);
}

function otherFinding({ stateDir, home, pid }: OtherAgent): Finding {
  return problem(
    'OpenClaw',
    `${stateDir} is kept by another agent, with the home ${home}, as process ${pid}`,
    'stop one of the two for good, or name other places in its `openclaw.stateDirs` or `stores`',
  );
}

/** The daemon's own link counts too: the coordinator may answer a command and turn the daemon away. */
function coordinatorFinding({ coordinator }: Status, unanswered: Examined['coordinatorProblem']): Finding {
  if (unanswered) return problem('coordinator', unanswered.found, unanswered.mend);
  if (!coordinator.refused) return ok('coordinator', `${coordinator.url} answers`);
  return problem('coordinator', `it turns this host’s daemon away: ${coordinator.problem}`, 'mend what it says');
}

/** A store that is there and cannot be read is told with the stores. */
function toolFindings({ tool, store, isPresent, hasLogin }: Status['tools'][number]): Finding[] {
  if (isPresent && hasLogin) return [];
  const { title } = toolFormats[tool];
  const found = `${store} ${isPresent ? 'holds no OAuth login' : 'is not there'}`;
  return [notice(title, found, `log in with ${title}, or take it out of \`stores\` in agent.json`)];
}

function stateDirFindings({ status, stateDirs }: Examined): Finding[] {
  const adopts = groupLacks(status.lacks).find(({ command }) => command !== undefined)?.command;
  const adoption = adopts === undefined ? '' : `, take logins over with \`${adopts}\``;
  return stateDirs.flatMap((stateDir): Finding[] => {
    const found = status.openclaw.find(one => one.stateDir === stateDir);
    if (!found || (found.generation === 'none' && found.foreign.length === 0)) {
      return [
        notice(
          'OpenClaw',
          `${stateDir} holds no login`,
          `log in with OpenClaw${adoption}, or name another folder in \`openclaw.stateDirs\``,
        ),
      ];
    }
    const unread = found.foreign.map(({ path, reason }) =>
      problem(
        'OpenClaw',
        `${path}: ${reason}`,
        'nothing was written there; keep these logins by hand until it can be read',
      ),
    );
    const { reload } = found;
    if (!reload) return unread;
    // Where there is no command to ask with there may be no gateway either.
    const told = reload.isUnasked ? notice : problem;
    return [...unread, told('gateway', `${stateDir}: ${reload.reason}`, reload.mend)];
  });
}
