import { z } from 'zod';
import { announcement } from './announcement.ts';
import { answer } from './answer.ts';
import { fingerprint, instant, sentence } from './fields.ts';
import { lease, leaseSettled, recall } from './lease.ts';
import { copyName } from './observation.ts';
import { permits } from './permit.ts';
import { giveSecret, takeSecret } from './push.ts';
import { rotationOrder } from './rotation.ts';

/** What the coordinator makes of a copy that a node reported. */
export const judgement = copyName.extend({
  /** The credential that was judged; a node that has another by now ignores the judgement. */
  access: fingerprint.optional(),
  verdict: z.enum(['in-step', 'stale', 'parallel', 'unlinked', 'unfit', 'waits', 'wanted', 'ignored']),
  why: sentence,
  /** With `in-step`: the account's home is connected and holds the refresh token, so that it may go elsewhere. */
  held: z.boolean().optional(),
  /** With `in-step`: enough vaults hold the refresh token, so that no store need hold it. */
  vaulted: z.boolean().optional(),
  /** The refresh token of the account's login is under lease, or may be used up: no store is given it. */
  inUse: z.boolean().optional(),
  /** With `wanted`: the least generation that the record has to be sealed in, for nodes know that much already. */
  generation: z.number().int().min(1).optional(),
});
export type Judgement = z.infer<typeof judgement>;

export const judgements = z.object({ type: z.literal('judgements'), judgements: z.array(judgement).max(1_000) });

/** The answer to the last part of an inventory is complete. */
export const synced = z.object({ type: z.literal('synced') });

export const downBeat = z.object({ type: z.literal('beat'), at: instant });

/** The coordinator stops; the node may come back after this many milliseconds. */
export const drain = z.object({ type: z.literal('drain'), notBeforeMs: z.number().int().min(0) });

/** Messages to one node, in a session's own numbered frames. */
export const downMessage = z.discriminatedUnion('type', [
  judgements,
  synced,
  permits,
  lease,
  leaseSettled,
  recall,
  giveSecret,
  takeSecret,
  rotationOrder,
  downBeat,
  drain,
  answer,
]);
export type DownMessage = z.infer<typeof downMessage>;

/** Messages that are signed once and go to every node. */
export const broadcastMessage = z.discriminatedUnion('type', [announcement]);
