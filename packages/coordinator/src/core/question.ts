import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { Question } from '@authmesh/shared/protocol/question';
import { highestGeneration } from './acceptance.ts';
import { answerAlerts } from './alerts/answer.ts';
import { tellAndStore } from './alerts/service.ts';
import { commitRecord } from './commit.ts';
import { leave } from './departure.ts';
import type { CoordinatorEffect } from './effect.ts';
import { verdictSentences } from './explanation.ts';
import { refreshNow } from './lease/request.ts';
import { type InviteRecord, inviteKey } from './record.ts';
import { rotateNow } from './rotation/service.ts';
import { pushAsked } from './secrets/push.ts';
import { driftViews } from './secrets/view.ts';
import type { CoordinatorState, Session } from './state.ts';
import { submit } from './submission.ts';
import { emptyOverview, nodeViews, overview, overviewParts, poolsInUse } from './view.ts';

/** Answers a member's question, at once or when what it asks for is durable. */
export function answerQuestion(
  state: CoordinatorState,
  session: Session,
  request: number,
  question: Question,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const answer = (body: AnswerBody) => {
    effects.push({ type: 'send', link: session.link, message: { type: 'answer', request, body } });
  };
  switch (question.type) {
    case 'overview':
      for (const part of overviewParts(overview(state, at))) answer(part);
      return;
    case 'nodes':
      for (const part of overviewParts({ ...emptyOverview(at), nodes: nodeViews(state) })) answer(part);
      return;
    case 'drift':
      for (const part of overviewParts({ ...emptyOverview(at), drift: driftViews(state) })) answer(part);
      return;
    case 'alerts':
    case 'acknowledge':
    case 'mute':
      answer(answerAlerts(state, session.node, question, at, effects));
      return tellAndStore(state, at, effects);
    case 'rotate':
      return answer(rotateNow(state, session, question, at, effects));
    case 'push':
      return pushAsked(state, session, request, question, at, effects);
    case 'pools':
      return answer({ type: 'pools', pools: poolsInUse(state), at });
    case 'history':
      return answer(history(state, question));
    case 'candidate':
      return answer(candidate(state, question));
    case 'invite':
      return invite(state, session, request, question, at, effects);
    case 'leave':
      return leave(state, session, request, question.keeps, at, effects);
    case 'refresh':
      return refreshNow(state, session, request, question.account, at, effects);
    case 'link':
    case 'home':
    case 'rollback':
      if (!state.accounts.has(question.account)) return answer(unknownAccount);
      if (question.type === 'home' && !state.nodes.has(question.node)) return answer(unknownNode);
      if (question.type === 'link' && !question.nodes.every(node => state.nodes.has(node))) return answer(unknownNode);
      return submit(state, { ...question, link: session.link, request }, question.account, at, effects);
    default:
      question satisfies never;
  }
}

const unknownAccount: AnswerBody = {
  type: 'problem',
  code: 'ERR_UNKNOWN_ACCOUNT',
  message: 'the fleet has no such account',
};
const unknownNode: AnswerBody = { type: 'problem', code: 'ERR_UNKNOWN_NODE', message: 'the fleet has no such node' };

function history(state: CoordinatorState, { account }: Extract<Question, { type: 'history' }>): AnswerBody {
  const entry = state.accounts.get(account);
  if (!entry) return unknownAccount;
  const { current } = entry.record;
  const origins = new Set([current?.origin, ...entry.record.history.map(({ origin }) => origin)]);
  return {
    type: 'history',
    account,
    current: current
      ? {
          position: current.position,
          access: current.access,
          origin: current.origin,
          acceptedAt: current.acceptedAt,
          expiresAt: current.expiresAt,
          why: verdictSentences[current.why],
        }
      : null,
    history: entry.record.history.map(({ number, revision, access, origin, at, verdict, why }) => ({
      number,
      revision,
      fingerprint: access ?? null,
      origin,
      at,
      verdict,
      why,
    })),
    nodes: nodeViews(state).filter(({ id }) => origins.has(id)),
  };
}

function candidate(state: CoordinatorState, asked: Extract<Question, { type: 'candidate' }>): AnswerBody {
  const entry = state.accounts.get(asked.account);
  if (!entry) return unknownAccount;
  const chosen = entry.record.history.find(({ number }) => number === asked.number);
  if (!chosen?.sealed || chosen.access === undefined) {
    const message = chosen
      ? chosen.verdict === 'quarantined'
        ? `entry ${asked.number} of the history was set aside and cannot be restored: ${chosen.why}`
        : `entry ${asked.number} of the history is known, but its login is no longer kept`
      : `there is no entry ${asked.number} in the history; \`authmesh-agent explain\` lists them`;
    return { type: 'problem', code: 'ERR_NO_SUCH_ENTRY', message };
  }
  return {
    type: 'candidate',
    number: chosen.number,
    access: chosen.access,
    refreshSpent: chosen.refresh !== undefined && entry.lineage.spent.has(chosen.refresh),
    sealed: chosen.sealed,
    generation: highestGeneration(state, entry),
  };
}

function invite(
  state: CoordinatorState,
  session: Session,
  request: number,
  question: Extract<Question, { type: 'invite' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const record: InviteRecord = {
    id: question.invite,
    publicKey: question.publicKey,
    uses: question.uses,
    expiresAt: at + question.ttlMs,
    createdBy: session.node,
    createdAt: at,
    name: question.name,
    sealed: question.sealed,
    signature: question.signature,
  };
  effects.push({
    type: 'audit',
    entry: { at, action: 'invite', node: session.node, details: `${question.uses} uses` },
  });
  commitRecord(
    state,
    inviteKey(record.id),
    { type: 'invite', link: session.link, request, record, expected: 0, failed: false },
    effects,
  );
}

/** The invite is durable: its code works from now on. */
export function settleInvite(
  state: CoordinatorState,
  pending: { readonly link: number; readonly request: number; readonly record: InviteRecord },
  storeRevision: number,
  effects: CoordinatorEffect[],
): void {
  const { record, link, request } = pending;
  state.invites.set(record.id, { record, storeRevision, used: 0 });
  effects.push(note('invite-created', { node: record.createdBy ?? undefined }));
  effects.push({
    type: 'send',
    link,
    message: {
      type: 'answer',
      request,
      body: { type: 'invited', expiresAt: record.expiresAt ?? 0, uses: record.uses },
    },
  });
}
