import { z } from 'zod';

/** `rotations.json` of an agent's home: the last rotation of each secret that was carried out there, by its epoch. */
export const rotationsFile = z.record(z.string(), z.number().int().min(0));
