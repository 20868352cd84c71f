import { requireKeys } from '@authmesh/coordinator/io/keys';
import { createAuditChain, entryOf } from '@authmesh/coordinator/store/audit-chain';
import { readTrail } from '@authmesh/coordinator/store/store-engines';
import { type AccountId, accountLabel } from '@authmesh/shared/core/identifiers';
import { type Instant, never } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { table } from '@authmesh/shared/node/output';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

export const auditCommand: Command = {
  name: 'audit',
  summary: 'show who did what, oldest first; --verify finds whatever was changed, dropped or moved in it',
  options: [
    dataDirOption,
    { flags: '--verify', description: 'hold every entry against the chain' },
    { flags: '--since <time>', description: 'from this moment on: an ISO time, or 2h, 7d ago' },
  ],
  example: 'authmesh-coordinator audit --verify --since 7d',
  async run(context) {
    const dataDir = chooseDataDir(context);
    const { settings } = await loadSettings(dataDir, context);
    const keys = await requireKeys(dataDir);
    if (settings.store === 'memory')
      throw new AuthmeshError('ERR_USAGE', 'with `store: memory` the audit trail ends with the process', {
        hint: 'keep a store: `"store": "sqlite"`',
      });
    const since = sinceOf(context.option('since'), Date.now());
    const { trail, names } = readTrail(dataDir);
    const problem = context.flag('verify') ? createAuditChain(keys.signing.seed).findBreak(trail) : undefined;
    const entries = trail.rows.flatMap((row): ShownEntry[] => {
      const entry = entryOf(row);
      if (!entry) return [{ number: row.number, at: null, action: 'unreadable' }];
      if (entry.at < since) return [];
      const node = entry.node === undefined ? undefined : (names.get(entry.node) ?? entry.node);
      const account = entry.account === undefined ? undefined : accountLabel(entry.account as AccountId);
      return [{ number: row.number, ...entry, at: iso(entry.at), node, account }];
    });
    const { number, link } = trail.head;
    const isVerified = context.flag('verify') ? problem === undefined : null;
    const anchor = { entry: trail.anchor.number, link: trail.anchor.link };
    context.output.data(
      { verified: isVerified, problem: problem ?? null, anchor, head: { entry: number, link }, entries },
      () =>
        [
          ...(entries.length > 0 ? [drawEntries(entries)] : ['Nothing is recorded in this time.']),
          ...(isVerified === null ? [] : [verdict(problem, trail.anchor.number, number, link)]),
        ].join('\n\n'),
    );
    return problem === undefined ? exitCodes.ok : exitCodes.problem;
  },
};

interface ShownEntry {
  readonly number: number;
  readonly at: string | null;
  readonly action: string;
  readonly node?: string | undefined;
  readonly account?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly details?: string | undefined;
}

function drawEntries(entries: readonly ShownEntry[]): string {
  return table(
    ['ENTRY', 'AT', 'ACTION', 'BY', 'LOGIN', 'FINGERPRINT', 'DETAILS'],
    entries.map(({ number, at, action, node, account, fingerprint, details }) => [
      String(number),
      at ?? '-',
      action,
      node ?? '-',
      account ?? '-',
      fingerprint?.slice(0, 12) ?? '-',
      details ?? '',
    ]),
  );
}

function verdict(problem: string | undefined, anchor: number, head: number, link: string): string {
  if (problem !== undefined) return `The trail was tampered with, or damaged: ${problem}.`;
  const from = anchor === 0 ? 'from the beginning' : `from entry ${anchor + 1} on; those before were kept long enough`;
  return `Entries ${Math.min(anchor + 1, head)} to ${head} are as they were written, ${from}. The chain ends in ${link.slice(0, 16)}.`;
}

/** `2026-11-30`, `2026-11-30T10:00:00Z`, or how long ago. */
function sinceOf(text: string | undefined, now: Instant): Instant {
  if (text === undefined) return 0;
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return now - parseDuration('--since', text);
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new AuthmeshError('ERR_USAGE', `--since is "${text}"`, {
    hint: 'write a time as 2026-11-30T10:00:00Z, or how long ago as 2h or 7d',
  });
}

function iso(at: Instant): string {
  return new Date(Math.min(at, never)).toISOString();
}
