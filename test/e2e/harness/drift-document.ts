import { z } from 'zod';
import { fingerprint, time } from './fields.ts';

/* What `drift` prints, and the same list in `status`. */

const driftPlace = z.strictObject({ node: z.string().min(1), source: z.string().min(1), since: time });
const form = z.enum(['quotes', 'white space', 'line ends']);
export const drift = z.strictObject({
  name: z.string().min(1),
  group: z.string().optional(),
  state: z.enum(['equal', 'differs', 'missing', 'unreadable', 'alone']),
  groups: z.array(
    z.strictObject({
      fingerprint,
      nodes: z.array(z.string().min(1)).min(1),
      count: z.number().int().min(1),
      forms: z.array(form),
      isMinority: z.boolean(),
    }),
  ),
  variants: z.array(form),
  stale: z.array(driftPlace),
  missing: z.array(driftPlace),
  unreadable: z.array(driftPlace.extend({ reason: z.string().min(1) })),
  away: z.array(z.string().min(1)),
  since: time.nullable(),
  compared: z.number().int().min(0),
  declared: z.number().int().min(1),
  rotation: z
    .strictObject({
      epoch: z.number().int().min(0),
      phase: z.enum(['resting', 'making', 'staging', 'switching', 'spreading']),
      node: z.string().nullable(),
      since: time,
      rotatedAt: time,
      pending: z.array(z.string()),
      failed: z.strictObject({ at: time, why: z.string().min(1) }).optional(),
    })
    .optional(),
});

export const driftDocument = z.strictObject({
  drift: z.array(drift),
  coverage: z.strictObject({
    compared: z.number().int().min(0),
    declared: z.number().int().min(0),
    unreadable: z.array(
      z.strictObject({ node: z.string().min(1), name: z.string().min(1), reason: z.string().min(1) }),
    ),
  }),
});
