import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Candidate, Prints } from '@authmesh/shared/core/lineage';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { acceptedChange, highestGeneration } from './acceptance.ts';
import { commit } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { nextRevision } from './history.ts';
import { leaseOf } from './lease/standing.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';
import type { Submission } from './waiting.ts';

/** An operator's rollback: exempt from the ancestor rule, and above every generation. */
export function rollBack(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  submission: Extract<Submission, { type: 'rollback' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const chosen = entry.record.history.find(candidate => candidate.number === submission.number);
  const { current } = entry.record;
  const access = chosen?.verdict === 'quarantined' ? undefined : chosen?.access;
  // What the lease brings would take the fleet away again from what was restored.
  const isRefreshed = leaseOf(entry.record) !== undefined;
  if (!chosen || access === undefined || isRefreshed || submission.generation <= highestGeneration(state, entry)) {
    const message =
      access === undefined
        ? `there is no entry ${submission.number} in the history that can be restored`
        : isRefreshed
          ? 'it is being refreshed right now: try again in a moment'
          : 'the account moved on while it was being restored; try again';
    effects.push({
      type: 'send',
      link: submission.link,
      message: {
        type: 'answer',
        request: submission.request,
        body: { type: 'problem', code: 'ERR_NOT_RESTORED', message },
      },
    });
    return;
  }
  const candidate: Candidate = {
    node: session.node,
    access,
    refresh: submission.spendable ? chosen.refresh : undefined,
    expiresAt: chosen.expiresAt,
    issuedAt: chosen.issuedAt,
    chain: [],
    linked: true,
    announced: {
      position: { epoch: 0, revision: 0 },
      home: movesHome(submission.spendable, chosen.refresh, current) ? chosen.origin : (current?.home ?? chosen.origin),
      origin: session.node,
    },
  };
  const position = { epoch: state.fleet.record.epoch, revision: nextRevision(entry.record) };
  const acceptance = { why: 'restored', position, generation: submission.generation } as const;
  const change = acceptedChange(entry, candidate, entry.record, acceptance, submission, at);
  effects.push(
    note('account-restored', { account: entry.record.account, node: session.node, revision: position.revision }),
  );
  effects.push({
    type: 'audit',
    entry: {
      at,
      action: 'restore',
      node: session.node,
      account: entry.record.account,
      details: `entry ${submission.number}`,
    },
  });
  commit(state, entry, { ...change, announces: true, cause: submission }, effects);
}

/** The home goes along with a refresh token that is not the current one's. */
function movesHome(spendable: boolean, refresh: Fingerprint | undefined, current: Prints | undefined): boolean {
  return spendable && refresh !== undefined && refresh !== current?.refresh;
}
