import { z } from 'zod';
import { instant, nodeName, sealed, secretGroup, secretName, sentence } from './fields.ts';

/*
 * A secret gets a new value. One node makes it and has whatever checks it accept the new one; all others that have the secret say
 * before that they can take it, and get it after. The coordinator passes sealed values on.
 */

const which = { name: secretName, group: secretGroup.optional(), epoch: z.number().int().min(1) };

/** Secrets that one node can rotate. */
export const rotatesMax = 50;

/** What a node can rotate, and how often that is to be. */
export const rotates = z.object({
  name: secretName,
  group: secretGroup.optional(),
  everyMs: z.number().int().min(1_000).max(Number.MAX_SAFE_INTEGER),
});

export type Rotates = z.infer<typeof rotates>;

/**
 * To a node. `make` a new value; `stage` it: can it be put here?; `switch`: put it here, and have it accepted in the place of the
 * previous one; `apply`: it is accepted, put it here.
 */
export const rotationOrder = z.object({
  type: z.literal('rotation-order'),
  ...which,
  step: z.enum(['make', 'stage', 'switch', 'apply']),
  value: sealed.optional(),
  previous: sealed.optional(),
});
export type RotationOrder = z.infer<typeof rotationOrder>;

/** The answer: done, or `why` not. `make` brings the values. */
export const rotationReport = z.object({
  type: z.literal('rotation-report'),
  ...which,
  step: z.enum(['make', 'stage', 'switch', 'apply']),
  why: sentence.optional(),
  /** Of a switch that failed and could not be taken back: which value is accepted is not known. */
  isStuck: z.boolean().optional(),
  value: sealed.optional(),
  previous: sealed.optional(),
});
export type RotationReport = z.infer<typeof rotationReport>;

/** An operator wants it now; answered by `rotating`. */
export const rotateQuestion = z.object({ type: z.literal('rotate'), name: secretName, group: secretGroup.optional() });
export const rotatingAnswer = z.object({ type: z.literal('rotating'), node: nodeName, epoch: z.number().int().min(1) });

export const rotationPhases = ['resting', 'making', 'staging', 'switching', 'spreading'] as const;

/** How the rotation of one secret stands. */
export const rotationView = z.object({
  epoch: z.number().int().min(0),
  phase: z.enum(rotationPhases),
  /** Who rotates it; null before anybody has. */
  node: nodeName.nullable(),
  /** Of the phase. */
  since: instant,
  /** When its value was last changed so, or when it was first known that it is to be. */
  rotatedAt: instant,
  /** Who has still the old one. */
  pending: z.array(nodeName),
  /** The last attempt, where it failed: nothing was changed, or it is not known to have been. */
  failed: z.object({ at: instant, why: sentence }).optional(),
});
