import { z } from 'zod';
import { path } from './fields.ts';

/** A pool as `status` of either program prints it. */
export const pool = z.strictObject({
  name: z.string(),
  limit: z.number().int(),
  live: z.number().int(),
  recovering: z.number().int(),
  waiting: z.number().int(),
  etaSeconds: z.number().nullable(),
  settleSeconds: z.number(),
  phase: z.enum(['steady', 'canary', 'ramp', 'halted', 'closed', 'barrier']),
  why: z.string().optional(),
  isDefault: z.boolean(),
  observed: z
    .strictObject({
      p50: z.number().int(),
      p95: z.number().int(),
      peak: z.number().int(),
      days: z.number().int(),
      sessions: z.number().int(),
    })
    .nullable(),
  recommendedLimit: z.number().int().nullable(),
  recommendedWhy: z.string().nullable(),
});

/** A store that alone is above its pool's limit. */
export const overweight = z.strictObject({
  store: path,
  pool: z.string(),
  sessions: z.number().int(),
  limit: z.number().int(),
  mend: z.string().includes('`'),
});
