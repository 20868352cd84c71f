import { z } from 'zod';
import { nodeName, placeName, sealed, secretGroup, secretName, sentence } from './fields.ts';

/*
 * A secret is spread by an order of an operator: sealed with the fleet's key, so that the coordinator, which passes it on, can
 * neither make one nor read the value. The node that is to give the value sees the order, and so does each that takes it.
 */

const push = z.number().int().min(1);
const which = { name: secretName, group: secretGroup.optional() };
/** Targets of one secret on one host. */
export const targetsMax = 50;

/** Asks the coordinator to have a secret spread; answered by `pushed`. */
export const pushQuestion = z.object({
  type: z.literal('push'),
  ...which,
  /** A host, or a place that a host reads; this host, where nothing is said. */
  from: placeName.optional(),
  order: sealed,
});

/** To the node that has the value. */
export const giveSecret = z.object({
  type: z.literal('give-secret'),
  push,
  ...which,
  place: placeName.optional(),
  order: sealed,
});

/** The answer: the value, sealed for the fleet, or why there is none. */
export const secretGiven = z.object({
  type: z.literal('secret-given'),
  push,
  value: sealed.optional(),
  why: sentence.optional(),
});

/** To every node that compares the secret. */
export const takeSecret = z.object({ type: z.literal('take-secret'), push, ...which, order: sealed, value: sealed });

/** What became of one target. */
export const targetResult = z.object({
  target: z.string().max(200),
  /** `told`: a command took it, and nothing says what it made of it. `same`: it stood there already. */
  state: z.enum(['written', 'same', 'told', 'failed']),
  why: sentence.optional(),
});
export type TargetResult = z.infer<typeof targetResult>;

/** The answer; without results the node has nowhere to put it. `why`: it took no part at all. */
export const secretTaken = z.object({
  type: z.literal('secret-taken'),
  push,
  results: z.array(targetResult).max(targetsMax),
  why: sentence.optional(),
});

/** What became of a push, host by host. */
export const pushedAnswer = z.object({
  type: z.literal('pushed'),
  from: placeName,
  nodes: z
    .array(
      z.object({
        node: nodeName,
        /** `silent`: it was asked, and did not answer in time. */
        state: z.enum(['done', 'failed', 'no-target', 'away', 'silent']),
        results: z.array(targetResult),
        why: sentence.optional(),
      }),
    )
    .max(50),
  /** Hosts that are not listed, for there are too many. */
  more: z.number().int().min(0),
});
export type PushedNode = z.infer<typeof pushedAnswer>['nodes'][number];
