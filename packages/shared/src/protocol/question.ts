import { z } from 'zod';
import { alertQuestions } from './alerts.ts';
import { accountId, bytes32, fingerprint, inviteId, nodeId, sealed, signature } from './fields.ts';
import { keepsMax } from './limits.ts';
import { pushQuestion } from './push.ts';
import { rotateQuestion } from './rotation.ts';

/** Longest life of a join code. */
export const inviteTtlMsMax = 7 * 24 * 60 * 60 * 1_000;

export const question = z.discriminatedUnion('type', [
  /** Every account with its copies on every node, and the roster's counts. */
  z.object({ type: z.literal('overview') }),
  /** The roster alone; answered by an `overview` without accounts. */
  z.object({ type: z.literal('nodes') }),
  /** How the fleet's secrets compare; answered by an `overview` with nothing else. */
  z.object({ type: z.literal('drift') }),
  ...alertQuestions,
  pushQuestion,
  rotateQuestion,
  /** Limits, and what waits for them. */
  z.object({ type: z.literal('pools') }),
  /** Why the current revision is the current one. */
  z.object({ type: z.literal('history'), account: accountId }),
  /** The record of an entry of the history, for an operator's rollback. */
  z.object({ type: z.literal('candidate'), account: accountId, number: z.number().int().min(1) }),
  /** A new join code: the public half of its key, and the fleet's secrets sealed with the other half. */
  z.object({
    type: z.literal('invite'),
    invite: inviteId,
    publicKey: bytes32,
    uses: z.number().int().min(1).max(10_000),
    ttlMs: z.number().int().min(1_000).max(inviteTtlMsMax),
    name: z.string().max(64).optional(),
    sealed,
    /** By the inviting node's key over invite id and public key: the first link of a membership chain. */
    signature,
  }),
  /** The record of `candidate`, sealed anew above every generation: the fleet goes back to it. */
  z.object({
    type: z.literal('rollback'),
    account: accountId,
    number: z.number().int().min(1),
    generation: z.number().int().min(1),
    /** Whether the sealed record still holds the refresh token: a spent one is left out. */
    spendable: z.boolean(),
    sealed,
  }),
  /** Refresh the account now: a lease for whoever can. */
  z.object({ type: z.literal('refresh'), account: accountId }),
  /** The login lives on this node from now on. */
  z.object({ type: z.literal('home'), account: accountId, node: nodeId }),
  /** The copies of these nodes are one account. */
  z.object({ type: z.literal('link'), account: accountId, nodes: z.array(nodeId).min(1).max(1_000) }),
  /** The asking node ends its membership. */
  z.object({
    type: z.literal('leave'),
    /** Refresh tokens that stay in its stores, where its OpenClaw spends them: nobody else may, from then on. */
    keeps: z.array(fingerprint).max(keepsMax),
  }),
]);
export type Question = z.infer<typeof question>;
