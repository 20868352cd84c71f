import type { OtherAgent } from '@authmesh/agent/io/state-dir-claim';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import type { Instant } from '@authmesh/shared/core/time';
import { copyProblem, problemsOf, refusalProblem } from './status-problems.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'notice' | 'problem';
  readonly found: string;
  /** The command or change that mends it. */
  readonly mend?: string | undefined;
}

export interface Examined {
  readonly status: Status;
  readonly isRunning: boolean;
  /** Why the coordinator did not answer this very moment. */
  readonly coordinatorProblem: { readonly found: string; readonly mend: string } | undefined;
  readonly stateDirs: readonly string[];
  /** Agents with another home that keep one of these state directories. */
  readonly others?: readonly OtherAgent[] | undefined;
}

/** Everything that could be wrong on this host, as far as its state shows. */
export function diagnose(examined: Examined, now: Instant): Finding[] {
  const { status, isRunning, coordinatorProblem } = examined;
  return [
    isRunning
      ? ok('daemon', 'it runs')
      : problem('daemon', 'it does not run', '`authmesh-agent service install`, or `authmesh-agent run` in a terminal'),
    coordinatorFinding(status, coordinatorProblem),
    ...(examined.others ?? []).map(({ stateDir, home, pid }) =>
      problem(
        'OpenClaw',
        `${stateDir} is kept by another agent, with the home ${home}, as process ${pid}`,
        'stop one of the two for good, or name other folders in its `openclaw.stateDirs`',
      ),
    ),
    ...stateDirFindings(examined),
    ...storeFindings(status),
    ...loginFindings(status, now),
    ...(problemsOf(status, now).length === 0
      ? [
          ok(
            'logins',
            `${inStep(status)} of ${status.accounts.length} of the fleet’s logins are here, nothing is wrong with them`,
          ),
        ]
      : []),
  ];
}

/** The daemon's own link counts too: the coordinator may answer a command and turn the daemon away. */
function coordinatorFinding({ coordinator }: Status, unanswered: Examined['coordinatorProblem']): Finding {
  if (unanswered) return problem('coordinator', unanswered.found, unanswered.mend);
  if (!coordinator.refused) return ok('coordinator', `${coordinator.url} answers`);
  return problem('coordinator', `it turns this host’s daemon away: ${coordinator.problem}`, 'mend what it says');
}

function stateDirFindings({ status, stateDirs }: Examined): Finding[] {
  return stateDirs.flatMap((stateDir): Finding[] => {
    const found = status.openclaw.find(one => one.stateDir === stateDir);
    if (!found || (found.generation === 'none' && found.foreign.length === 0)) {
      return [
        {
          name: 'OpenClaw',
          state: 'notice',
          found: `${stateDir} holds no login`,
          mend: 'log in with OpenClaw, take logins over with `authmesh-agent adopt --all`, or name another folder in `openclaw.stateDirs`',
        },
      ];
    }
    return found.foreign.map(({ path, reason }) =>
      problem(
        'OpenClaw',
        `${path}: ${reason}`,
        'nothing was written there; keep these logins by hand until authmesh knows this kind of store',
      ),
    );
  });
}

function storeFindings({ stores }: Status): Finding[] {
  return stores.flatMap(({ store, state, reason }) =>
    state === 'quarantined'
      ? [
          problem(
            'store',
            `${store} is left alone: ${reason ?? 'it cannot be understood'}`,
            'mend what it says, or put a good copy back; authmesh picks it up by itself',
          ),
        ]
      : [],
  );
}

function loginFindings({ accounts, lacks, node, stores, coordinator }: Status, now: Instant): Finding[] {
  const findings: Finding[] = [];
  const setAside = new Set(stores.filter(({ state }) => state === 'quarantined').map(({ store }) => store));
  for (const account of accounts) {
    const here = account.copies.filter(copy => copy.node === node.name && !setAside.has(copy.store));
    for (const copy of here) {
      const found = copyProblem(copy, now);
      if (found !== undefined)
        findings.push(problem('login', found, 'mend what it names; the delivery is tried again by itself'));
    }
    if (account.refusal !== undefined) {
      findings.push(
        problem(
          'login',
          refusalProblem(account.account, account.refusal),
          'sign in again on any host: that login replaces it; the log of the coordinator says who announced it',
        ),
      );
    }
    if (coordinator.seenAt !== null && isWithoutRenewal(account)) {
      findings.push({
        name: 'login',
        state: 'notice',
        found: `no host holds the refresh token of ${account.account}: nothing renews it when it ends`,
        mend: 'sign in on any host; that makes it the home',
      });
    }
    const [profile = account.account] = account.profiles;
    if (account.state === 'expired' || account.state === 'in-doubt') {
      findings.push(
        problem(
          'login',
          `${account.account} has ended everywhere${account.state === 'in-doubt' ? ', and a refresh of it has failed' : ''}`,
          `start OpenClaw on ${account.home ?? 'its home'} so that it refreshes it, or log in there again`,
        ),
      );
    } else if (account.state === 'unlinked') {
      const others = account.copies.filter(copy => copy.state === 'unlinked').map(copy => copy.node);
      findings.push(
        problem(
          'login',
          `hosts have different logins under ${profile}, and nothing says that they are one account`,
          `\`authmesh-agent link ${profile} ${[...new Set(others)].join(' ')}\` if they are; else rename one profile`,
        ),
      );
    } else if (account.state === 'parallel') {
      findings.push({
        name: 'login',
        state: 'notice',
        found: `${account.account} has two live logins; neither replaces the other`,
        mend: `\`authmesh-agent explain ${profile}\` lists them, \`authmesh-agent restore ${profile} --revision N\` chooses one for all`,
      });
    }
  }
  if (lacks.length > 0) {
    findings.push({
      name: 'login',
      state: 'notice',
      found: `the fleet has ${lacks.map(({ profile }) => profile).join(', ')}, this host has not`,
      mend: '`authmesh-agent adopt --all` puts them here',
    });
  }
  return findings;
}

/** A login of the fleet that ends some day and that no host can renew. */
function isWithoutRenewal({ kind, revision, expiresAt, copies }: AccountStatus): boolean {
  return kind === 'oauth' && revision !== null && expiresAt !== null && copies.every(one => one.custody === 'bearer');
}

/** Accounts of which this host has a copy. */
function inStep({ accounts, node }: Status): number {
  return accounts.filter(({ copies }) => copies.some(copy => copy.node === node.name)).length;
}

function ok(name: string, found: string): Finding {
  return { name, state: 'ok', found };
}

function problem(name: string, found: string, mend: string): Finding {
  return { name, state: 'problem', found, mend };
}
