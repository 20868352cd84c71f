import { z } from 'zod';

/** `rotations.json` of an agent's home: the last rotation of each secret that was carried out there, and how its switch ended. */
export const rotationsFile = z.record(
  z.string(),
  z.object({
    epoch: z.number().int().min(0),
    switched: z.object({ why: z.string().optional() }).optional(),
  }),
);
