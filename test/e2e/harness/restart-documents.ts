import { z } from 'zod';

/* The documents of `check` and `plan`, as the contract has them. */

const time = z.iso.datetime();
const path = z.string().startsWith('/');

export const checkDocument = z.strictObject({
  safe: z.boolean(),
  profiles: z.array(
    z.strictObject({
      store: path,
      profile: z.string(),
      state: z.enum(['usable', 'expiring', 'expired', 'spent', 'fenced', 'missing', 'unreadable']),
      expiresAt: time.nullable(),
      reason: z.string(),
    }),
  ),
  sessions: z.strictObject({
    pool: z.string(),
    needed: z.number().int(),
    limit: z.number().int(),
    wavesSeconds: z.number(),
  }),
});

export const planDocument = z.strictObject({
  waves: z.array(z.number().int()),
  seconds: z.number(),
  recommendedLimit: z.number().int(),
  why: z.string(),
});
