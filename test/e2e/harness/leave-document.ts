import { z } from 'zod';
import { path, time } from './fields.ts';

/** A login that goes on elsewhere than before, or nowhere. */
const endingLogin = z.strictObject({ account: z.string(), profile: z.string(), endsAt: time.nullable() });

/** What `leave --json` prints. */
export const leaveDocument = z.strictObject({
  left: z.literal(true),
  node: z.string(),
  fleet: z.string().regex(/^[0-9a-f]{32}$/),
  wasMember: z.boolean(),
  remaining: z.number().int().nullable(),
  restored: z.array(z.strictObject({ account: z.string(), profile: z.string(), store: path })),
  keptHere: z.array(endingLogin),
  keptByFleet: z.array(endingLogin),
  dropped: z.array(endingLogin),
});
