import { z } from 'zod';
import { alertsAnswer } from './alerts.ts';
import {
  accountId,
  credentialKind,
  fingerprint,
  instant,
  nodeId,
  nodeName,
  position,
  profileId,
  sealed,
  sentence,
  storeId,
} from './fields.ts';
import { refreshView } from './lease.ts';
import { health } from './observation.ts';
import { poolView } from './permit.ts';
import { pushedAnswer } from './push.ts';
import { rotatingAnswer } from './rotation.ts';
import { driftView } from './secrets.ts';

/** A node as the roster shows it. */
export const nodeView = z.object({
  id: nodeId,
  name: nodeName,
  online: z.boolean(),
  lastSeen: instant.nullable(),
  joinedAt: instant,
  /** Null for the founding node. */
  invitedBy: nodeId.nullable(),
  version: z.string().max(64),
});
export type NodeView = z.infer<typeof nodeView>;

/** One copy as its node last reported it and the coordinator judged it. */
export const copyView = z.object({
  node: nodeId,
  store: storeId,
  profile: profileId,
  verdict: z.enum(['in-step', 'stale', 'parallel', 'unlinked', 'unfit', 'waits', 'wanted', 'ignored']),
  why: sentence,
  health,
  access: fingerprint.optional(),
  /** Whether the store holds the refresh token. */
  spendable: z.boolean(),
  trouble: sentence.optional(),
  seenAt: instant,
});
export type CopyView = z.infer<typeof copyView>;

export const accountView = z.object({
  account: accountId,
  kind: credentialKind,
  profile: profileId,
  position: position.nullable(),
  access: fingerprint.nullable(),
  expiresAt: instant.nullable(),
  origin: nodeId.nullable(),
  home: nodeId.nullable(),
  /** Absent where the account only waits for its time, or is not refreshed at all. */
  refresh: refreshView.optional(),
  copies: z.array(copyView),
});
export type AccountView = z.infer<typeof accountView>;

export const historyEntry = z.object({
  number: z.number().int().min(1),
  revision: z.number().int().min(1).optional(),
  /** Null where an empty token was set aside. */
  fingerprint: fingerprint.nullable(),
  origin: nodeId,
  at: instant,
  verdict: z.enum(['accepted', 'stale', 'parallel', 'quarantined', 'unlinked']),
  why: sentence,
});
export type HistoryEntry = z.infer<typeof historyEntry>;

export const answerBody = z.discriminatedUnion('type', [
  /** May come in several parts, `last` in the last one: a frame has its bound, a fleet has none. */
  z.object({
    type: z.literal('overview'),
    nodes: z.array(nodeView),
    accounts: z.array(accountView),
    /** In the last part. */
    pools: z.array(poolView).default([]),
    drift: z.array(driftView).default([]),
    at: instant,
    last: z.boolean(),
  }),
  z.object({ type: z.literal('pools'), pools: z.array(poolView), at: instant }),
  alertsAnswer,
  pushedAnswer,
  rotatingAnswer,
  z.object({
    type: z.literal('history'),
    account: accountId,
    current: z
      .object({
        position,
        access: fingerprint,
        origin: nodeId,
        acceptedAt: instant,
        expiresAt: instant.nullable(),
        why: sentence,
      })
      .nullable(),
    history: z.array(historyEntry),
    /** Those that the history names: a fleet has no bound, an answer has. */
    nodes: z.array(nodeView),
  }),
  z.object({
    type: z.literal('candidate'),
    number: z.number().int(),
    access: fingerprint,
    refreshSpent: z.boolean(),
    sealed,
    /** The highest generation of the account, which the rollback has to exceed. */
    generation: z.number().int(),
  }),
  z.object({ type: z.literal('invited'), expiresAt: instant, uses: z.number().int() }),
  z.object({ type: z.literal('linked'), nodes: z.array(nodeId) }),
  z.object({ type: z.literal('published'), position }),
  /** The membership is over; `remaining`: the nodes that the fleet still has. */
  z.object({ type: z.literal('left'), remaining: z.number().int().min(0) }),
  /** A lease was given: its outcome is told in the overview. */
  z.object({ type: z.literal('leased'), node: nodeId, epoch: z.number().int().min(1) }),
  /** The question was understood and is refused. */
  z.object({ type: z.literal('problem'), code: z.string().max(64), message: sentence }),
]);
export type AnswerBody = z.infer<typeof answerBody>;

export const answer = z.object({ type: z.literal('answer'), request: z.number().int().min(1), body: answerBody });
