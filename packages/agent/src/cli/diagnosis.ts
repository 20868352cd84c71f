import { driftProblems } from '@authmesh/agent/io/drift-status';
import { type Evidence, evidenceText } from '@authmesh/agent/io/evidence';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import type { Instant } from '@authmesh/shared/core/time';
import { type Finding, notice, ok, problem } from './finding.ts';
import { diagnoseHost, type Examined } from './host-diagnosis.ts';
import { groupLacks } from './lacked-logins.ts';
import { copyProblem, problemsOf, refusalProblem } from './status-problems.ts';

/** Everything that could be wrong on this host, as far as its state shows. */
export function diagnose(examined: Examined, now: Instant): Finding[] {
  const { status } = examined;
  return [
    ...diagnoseHost(examined),
    ...storeFindings(status),
    ...loginFindings(status, now),
    ...status.drift.flatMap(one => driftProblems(one, now)).map(({ what, mend }) => problem('secret', what, mend)),
    ...(problemsOf({ ...status, drift: [] }, now).length === 0
      ? [
          ok(
            'logins',
            `${inStep(status)} of ${status.accounts.length} of the fleet’s logins are here, nothing is wrong with them; ${restsOn(status, now)}`,
          ),
        ]
      : []),
  ];
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
      findings.push(
        notice(
          'login',
          `no store holds the refresh token of ${account.account}, nor does this host’s vault: nothing renews it when it ends, unless the vault of another host can`,
          'sign in on any host; that makes it the home',
        ),
      );
    }
    const [profile = account.account] = account.profiles;
    // Whoever had it has deleted it: there is nothing to mend.
    if (account.copies.length === 0) continue;
    const { why, mend } = account.refresh ?? {};
    if (mend !== undefined) {
      findings.push(problem('login', `${account.account} is ${account.state}: ${why}`, mend));
    } else if (account.state === 'expired' || account.state === 'in-doubt') {
      findings.push(
        problem(
          'login',
          [`${account.account} has ended everywhere`, account.state === 'in-doubt' ? 'a refresh of it has failed' : why]
            .filter(part => part !== undefined)
            .join(': '),
          account.copies.every(({ custody }) => custody === 'bearer')
            ? `no store holds its refresh token: \`authmesh-agent refresh ${profile}\` says why the fleet does not refresh it; else log in again: \`authmesh-agent login ${profile}\``
            : `start OpenClaw on ${account.home ?? 'its home'} so that it refreshes it, or log in there again`,
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
      findings.push(
        notice(
          'login',
          `${account.account} has two live logins; neither replaces the other`,
          `\`authmesh-agent explain ${profile}\` lists them, \`authmesh-agent restore ${profile} --revision N\` chooses one for all`,
        ),
      );
    }
  }
  for (const { profiles, command, obstacle } of groupLacks(lacks)) {
    const found = `the fleet has ${profiles.join(', ')}, this host has not`;
    const mend = command === undefined ? obstacle : `\`${command}\` puts them here`;
    findings.push(notice('login', found, mend ?? ''));
  }
  return findings;
}

/** A login of the fleet that ends some day and that no host can renew. */
function isWithoutRenewal({ kind, revision, expiresAt, copies, vaulted, refresh }: AccountStatus): boolean {
  // Of one that needs a sign-in more than this is said.
  if (vaulted || refresh?.mend !== undefined || copies.length === 0) return false;
  return kind === 'oauth' && revision !== null && expiresAt !== null && copies.every(one => one.custody === 'bearer');
}

/** What that rests on: that they stand there is known, that they work only once they were used. */
function restsOn({ accounts, node }: Status, now: Instant): string {
  const own = accounts.flatMap(({ copies }) => copies.filter(copy => copy.node === node.name));
  const oldest = (by: Evidence['by']) =>
    own.flatMap(({ evidence }) => (evidence.by === by && evidence.at !== null ? [evidence] : [])).toSorted(byAge)[0];
  const [used, read] = [oldest('use'), oldest('disk')];
  if (own.length === 0) return 'none is kept on this host';
  const unused = own.filter(({ evidence }) => evidence.by !== 'use').length;
  return [
    ...(used ? [`${own.length - unused} ${evidenceText(used, now)} at most`] : []),
    ...(read
      ? [
          `${unused} ${evidenceText(read, now)} at most, and whether the provider takes ${unused === 1 ? 'it' : 'them'} is unknown: no use was seen`,
        ]
      : []),
  ].join('; ');
}

function byAge(one: Evidence, other: Evidence): number {
  return Date.parse(one.at ?? '') - Date.parse(other.at ?? '');
}

/** Accounts of which this host has a copy. */
function inStep({ accounts, node }: Status): number {
  return accounts.filter(({ copies }) => copies.some(copy => copy.node === node.name)).length;
}
