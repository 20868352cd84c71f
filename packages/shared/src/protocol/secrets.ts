import { secretForms } from '@authmesh/shared/core/secret-reading';
import { z } from 'zod';
import { fingerprint, instant, placeName, secretGroup, secretName } from './fields.ts';
import { readingsPerNodeMax } from './limits.ts';
import { rotates, rotatesMax, rotationView } from './rotation.ts';

const words = z.string().max(200);
const forms = z.array(z.enum(secretForms)).max(secretForms.length).readonly();

const found = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('read'),
    exact: fingerprint,
    loose: fingerprint,
    forms,
  }),
  z.object({ state: z.literal('missing') }),
  z.object({ state: z.literal('unreadable'), why: words }),
]);

export const secretReading = z.object({
  name: secretName,
  group: secretGroup.optional(),
  place: placeName.optional(),
  source: words,
  kind: z.enum(['stored', 'process']),
  found,
});

/** All that a node compares, as it stands: in the place of what it told before. */
export const secretReadings = z.object({
  type: z.literal('secrets'),
  /** Of the key that the fingerprints were made with: those of two keys say nothing of each other. */
  keyEpoch: z.number().int().min(1),
  readings: z.array(secretReading).max(readingsPerNodeMax).readonly(),
  /** Which of them it can rotate. */
  rotates: z.array(rotates).max(rotatesMax).readonly().optional(),
});

/** Whoever holds one value. */
const driftGroup = z.object({
  fingerprint,
  /** Places by name; not all, where `count` is higher. */
  nodes: z.array(placeName),
  count: z.number().int().min(1),
  forms,
  /** Fewer than another group: whether anything is wrong with it, only an operator knows. */
  isMinority: z.boolean(),
});
const at = z.object({ node: placeName, source: words, since: instant });

/** How the places of one secret compare. */
export const driftView = z.object({
  name: secretName,
  group: secretGroup.optional(),
  state: z.enum(['equal', 'differs', 'missing', 'unreadable', 'alone']),
  groups: z.array(driftGroup),
  /** The values are the same but for this. */
  variants: forms,
  /** Processes that still have another value than what is stored beside them. */
  stale: z.array(at),
  missing: z.array(at),
  unreadable: z.array(at.extend({ why: words })),
  /** Nodes that are away: what counts of them is what they told last. */
  away: z.array(placeName),
  /** Since when a value differs or is missing; null where none does. */
  since: instant.nullable(),
  /** Sources that were looked at, of those that hosts declare. */
  compared: z.number().int().min(0),
  declared: z.number().int().min(1),
  /** Where some host can rotate it, or has. */
  rotation: rotationView.optional(),
});
export type DriftView = z.infer<typeof driftView>;
