import type { CopyStatus } from '@authmesh/agent/io/copy-status';
import { driftProblems, driftSentence } from '@authmesh/agent/io/drift-status';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { type Instant, second } from '@authmesh/shared/core/time';

/** How long the coordinator may be away before that is a problem by itself. */
const awayMsMax = 60 * second;

/** How long a copy may wait for the fleet's login, or to be judged, before that is a problem. */
const waitMsMax = 60 * second;

const troubledAccounts: ReadonlySet<AccountStatus['state']> = new Set([
  'expired',
  'in-doubt',
  'needs-login',
  'unlinked',
]);

/** What an operator has to know about: each a sentence. Empty: healthy. */
export function problemsOf(status: Status, now: Instant): string[] {
  const problems: string[] = [];
  const { coordinator, accounts, stores, openclaw, pools, node, home } = status;
  if (home?.problem !== undefined) problems.push(homeProblem(home.path, home.problem));
  const setAside = new Set(stores.filter(({ state }) => state === 'quarantined').map(({ store }) => store));
  const awayMs = coordinator.since === null ? 0 : now - Date.parse(coordinator.since);
  if (coordinator.refused) problems.push(`the coordinator turned this host away: ${coordinator.problem}`);
  else if (!coordinator.connected && awayMs > awayMsMax) {
    problems.push(
      `the coordinator has been away for ${Math.round(awayMs / second)} s: ${coordinator.problem ?? 'no answer'}`,
    );
  }
  for (const account of accounts) {
    // One that no store has any more was deleted by its owner.
    if (isTroubled(account) && account.copies.length > 0) problems.push(accountProblem(account));
    for (const copy of account.copies) {
      if (copy.node !== node.name || setAside.has(copy.store)) continue;
      const problem = copyProblem(copy, now);
      if (problem !== undefined) problems.push(problem);
    }
    if (account.refusal !== undefined) problems.push(refusalProblem(account.account, account.refusal));
  }
  for (const { store, state, reason } of stores) {
    if (state === 'quarantined') problems.push(`${store} is left alone: ${reason ?? 'it cannot be understood'}`);
  }
  for (const pool of pools) {
    if (pool.phase === 'halted' || pool.phase === 'closed')
      problems.push(`pool ${pool.name} is ${pool.phase}: ${pool.why}`);
  }
  for (const { stateDir, foreign, reload } of openclaw) {
    for (const { path, reason } of foreign) problems.push(`${path}: ${reason}`);
    // Where there is no command to ask with there may be no gateway either: `doctor` names it.
    if (reload && !reload.isUnasked) problems.push(`${stateDir}: ${reload.reason}; ${reload.mend}`);
  }
  for (const drift of status.drift) problems.push(...driftProblems(drift, now).map(driftSentence));
  return problems;
}

/** Whether somebody has to know of it: also of one that lives, where nobody renews it for all that is tried. */
function isTroubled({ state, refresh }: AccountStatus): boolean {
  return troubledAccounts.has(state) || (refresh?.state === 'postponed' && refresh.mend !== undefined);
}

function accountProblem({ account, state, refresh }: AccountStatus): string {
  const told = [refresh?.why, refresh?.mend].filter(part => part !== undefined);
  const what = troubledAccounts.has(state) ? state : `${state}, and its refresh is put off`;
  return [`${account} is ${what}`, told.join('; ')].filter(part => part !== '').join(': ');
}

/** What is wrong with a copy of this host, if anything is. */
export function copyProblem(copy: CopyStatus, now: Instant): string | undefined {
  const { profile, store, state, reason, waitsSince } = copy;
  if (state === 'error' || state === 'quarantined') return `${profile} in ${store}: ${reason}`;
  // Its turn will come: what keeps the whole pool back is the pool's problem.
  if (copy.turn !== undefined || copy.comesLast) return undefined;
  const waitsMs = waitsSince === undefined ? 0 : now - Date.parse(waitsSince);
  if (waitsMs > waitMsMax && (state === 'stale' || state === 'waiting'))
    return `${profile} in ${store} has been ${state} for ${Math.round(waitsMs / second)} s: ${reason}`;
  return copy.decay && `${profile} in ${store} would not survive a restart: ${copy.decay.reason}`;
}

/** That the agent cannot keep what a restart has to know. */
export function homeProblem(path: string, problem: string): string {
  return `the agent’s home ${path} takes no writes: ${problem}`;
}

/** That this host did not take over a newer login of an account. */
export function refusalProblem(account: string, refusal: string): string {
  return `a newer login of ${account} was announced and refused here: ${refusal}`;
}
