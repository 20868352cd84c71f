import type { CopyStatus } from '@authmesh/agent/io/copy-status';
import { coverageSentence } from '@authmesh/agent/io/drift-status';
import { evidenceText } from '@authmesh/agent/io/evidence';
import { overweightSentence } from '@authmesh/agent/io/overweight';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import type { Instant } from '@authmesh/shared/core/time';
import { describeDuration } from '@authmesh/shared/node/duration';
import { type Output, table } from '@authmesh/shared/node/output';
import { driftTable } from './drift.ts';
import { groupLacks } from './lacked-logins.ts';
import { problemsOf } from './status-problems.ts';

const colours = {
  good: 'green',
  waiting: 'yellow',
  bad: 'red',
} as const;

const tones: Readonly<Record<AccountStatus['state'] | CopyStatus['state'], keyof typeof colours>> = {
  fresh: 'good',
  current: 'good',
  expiring: 'waiting',
  refreshing: 'waiting',
  waiting: 'waiting',
  held: 'waiting',
  stale: 'waiting',
  parallel: 'waiting',
  unlinked: 'bad',
  expired: 'bad',
  'in-doubt': 'bad',
  'needs-login': 'bad',
  quarantined: 'bad',
  error: 'bad',
};

/** The status as a person reads it. */
export function drawStatus(status: Status, now: Instant, paint: Output['paint']): string {
  const tone = (state: AccountStatus['state'] | CopyStatus['state']) => paint(colours[tones[state]], state);
  const { node, fleet, coordinator } = status;
  const link = coordinator.connected
    ? `connected to ${coordinator.url}`
    : `${paint('red', 'not connected')} to ${coordinator.url ?? 'any coordinator'}${age(coordinator.since, now, ' for ')}`;
  const parts = [
    `${node.name} in fleet ${fleet.id.slice(0, 12)}: ${fleet.online} of ${fleet.nodes} nodes online, ${link}${coordinator.connected ? '' : age(coordinator.seenAt, now, '; other hosts as of ', ' ago')}`,
  ];
  if (status.accounts.length > 0) {
    parts.push(
      table(
        ['ACCOUNT', 'STATE', 'REVISION', 'FINGERPRINT', 'ENDS', 'FROM', 'HOME'],
        status.accounts.map(account => [
          account.account,
          tone(account.state),
          account.revision === null ? '-' : String(account.revision),
          account.fingerprint?.slice(0, 12) ?? '-',
          ends(account.expiresAt, now),
          account.origin ?? '-',
          account.home ?? '-',
        ]),
      ),
    );
    const copies = copyRows(status, tone, now);
    if (copies.length > 0) parts.push(table(['HOST', 'PROFILE', 'STATE', 'HOLDS', 'STORE', 'WHY'], copies));
  } else {
    parts.push('No logins yet.');
  }
  for (const { profiles, command, obstacle } of groupLacks(status.lacks)) {
    const lacked = `This host lacks ${profiles.join(', ')}`;
    parts.push(
      command === undefined
        ? `${lacked}, which cannot be adopted: ${obstacle}.`
        : `${lacked}: \`${command}\` puts them here.`,
    );
  }
  const pools = poolRows(status, paint);
  if (pools.length > 0) parts.push(table(['POOL', 'LIMIT', 'NOW', 'COMING BACK', 'WAITING', 'READY IN', 'WHY'], pools));
  if (status.drift.length > 0)
    parts.push(`${driftTable(status.drift, now, paint)}\n\n${coverageSentence(status.drift)}.`);
  const advice = status.pools.filter(({ limit, recommendedLimit }) => (recommendedLimit ?? limit) !== limit);
  const notices = [
    ...advice.map(adviceLine),
    ...status.overweight.map(one => `${overweightSentence(one)}: ${one.mend}.`),
  ];
  if (notices.length > 0) parts.push(notices.join('\n'));
  const problems = problemsOf(status, now);
  if (problems.length > 0) parts.push(problems.map(problem => `${paint('red', '!')} ${problem}`).join('\n'));
  return parts.join('\n\n');
}

/** Pools in which something happens: how much of the limit is in use, and what waits. */
function poolRows({ pools }: Status, paint: Output['paint']): string[][] {
  return pools
    .filter(pool => pool.recovering > 0 || pool.waiting > 0 || pool.phase !== 'steady')
    .map(pool => [
      pool.name,
      String(pool.limit),
      String(pool.live),
      paint('green', bar(pool.recovering, pool.limit)),
      pool.waiting === 0 ? '-' : String(pool.waiting),
      pool.etaSeconds === null ? 'unknown' : pool.waiting === 0 ? '-' : `${pool.etaSeconds} s`,
      [pool.why, pool.isDefault ? 'no pool of coordinator.json matches these logins' : undefined]
        .filter(reason => reason !== undefined)
        .join('; '),
    ]);
}

/** What was seen in use, where it asks for another limit; the provider's own comes first. */
function adviceLine({ name, limit, recommendedLimit, recommendedWhy }: Status['pools'][number]): string {
  return `Pool ${name} has limit ${limit}; in use ${recommendedLimit} would do: ${recommendedWhy}.`;
}

/** `##··`: one mark for each session up to a width that a terminal has. */
function bar(filled: number, of: number): string {
  const width = Math.min(of, 24);
  const marks = Math.min(width, Math.ceil((filled * width) / of));
  return `${'#'.repeat(marks)}${'·'.repeat(width - marks)} ${filled}`;
}

function copyRows({ accounts }: Status, tone: (state: CopyStatus['state']) => string, now: Instant): string[][] {
  return accounts.flatMap(account =>
    account.copies.map(copy => [
      copy.node,
      copy.profile,
      tone(copy.state),
      copy.custody,
      copy.store,
      [
        ...(copy.online ? [] : [`host away${age(copy.seenAt, now, ', as of ', ' ago')}`]),
        copy.state === 'current' ? (copy.online ? evidenceText(copy.evidence, now) : '') : copy.reason,
      ]
        .filter(part => part !== '')
        .join(': '),
    ]),
  );
}

function ends(expiresAt: string | null, now: Instant): string {
  if (expiresAt === null) return 'never';
  const left = Date.parse(expiresAt) - now;
  return left > 0 ? `in ${describeDuration(left)}` : `${describeDuration(left)} ago`;
}

function age(since: string | null, now: Instant, before: string, after = ''): string {
  return since === null ? '' : `${before}${describeDuration(now - Date.parse(since))}${after}`;
}
