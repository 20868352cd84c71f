import { conditionKinds, wheresNamed } from '@authmesh/shared/core/alerts/incident';
import { z } from 'zod';
import { instant, nodeName, sentence } from './fields.ts';
import { incidentIdCharsMax, incidentsShownMax, mutesMax, sentenceCharsMax } from './limits.ts';

/** `login/…`, `secret/…`, `node/…`, `pool/…` or `coordinator`. */
export const incidentId = z.string().min(1).max(incidentIdCharsMax);

export const incident = z.object({
  id: incidentId,
  kind: z.enum(conditionKinds),
  severity: z.enum(['warning', 'critical']),
  what: sentence,
  why: sentence,
  where: z.array(z.string().max(64)).max(wheresNamed).readonly(),
  since: instant,
  breaks: sentence,
  mend: sentence,
  state: z.enum(['open', 'resolved']),
  openedAt: instant,
  resolvedAt: instant.nullable(),
  version: z.number().int().min(1),
  returns: z.number().int().min(0),
  acknowledged: z.object({ by: nodeName, at: instant }).nullable(),
});

export const mute = z.object({ pattern: z.string().min(1).max(sentenceCharsMax), until: instant, by: nodeName });

/** Whom the coordinator tells, and whether that works. */
export const channelView = z.object({
  name: z.string(),
  /** Incidents that it has still to be told. */
  waiting: z.number().int().min(0),
  /** Since when it takes nothing, and why. */
  trouble: z.object({ since: instant, why: sentence }).optional(),
});
export type ChannelView = z.infer<typeof channelView>;

/** Answers `alerts`, `acknowledge` and `mute`: how things stand then. */
export const alertsAnswer = z.object({
  type: z.literal('alerts'),
  /** Open ones first, worst first; then the last that were resolved. */
  incidents: z.array(incident).max(incidentsShownMax),
  /** All that are open. */
  open: z.number().int().min(0),
  mutes: z.array(mute).max(mutesMax),
  channels: z.array(channelView),
});

export const alertQuestions = [
  /** What is wrong, and who has been told. */
  z.object({ type: z.literal('alerts') }),
  /** These have been seen. */
  z.object({ type: z.literal('acknowledge'), ids: z.array(incidentId).min(1).max(incidentsShownMax) }),
  /** Nobody is told of what the pattern matches for so long; 0: from now on, again. */
  z.object({
    type: z.literal('mute'),
    pattern: z.string().min(1).max(sentenceCharsMax),
    forMs: z
      .number()
      .int()
      .min(0)
      .max(365 * 24 * 60 * 60 * 1_000),
  }),
] as const;
