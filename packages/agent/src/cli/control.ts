import type { Agent } from '@authmesh/agent/running-agent';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { profileId, storeId } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

/** What the command line may ask the daemon of its host. */
export const controlRequest = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status') }),
  z.strictObject({
    op: z.literal('claim'),
    pool: z.string().min(1).max(64),
    sessions: z.number().int().min(1).max(10_000),
    settleMs: z.number().min(0).max(86_400_000).optional(),
  }),
  z.strictObject({ op: z.literal('claim-state'), claim: z.number().int() }),
  z.strictObject({ op: z.literal('claim-started'), claim: z.number().int() }),
  z.strictObject({ op: z.literal('claim-ran'), claim: z.number().int() }),
  z.strictObject({
    op: z.literal('claim-ended'),
    claim: z.number().int(),
    outcome: z.enum(['passed', 'failed', 'unused']),
    why: z.string().max(500).optional(),
  }),
  z.strictObject({ op: z.literal('repair'), timeoutMs: z.number().int().min(0).max(3_600_000) }),
  z.strictObject({
    op: z.literal('adopt'),
    profiles: z.array(z.string().max(600)).max(1_000),
    agent: z.string().max(200).optional(),
  }),
]);

/** How a claim stands, as the daemon answers. */
export const claimReply = z.object({
  claim: z.number().int(),
  phase: z.enum(['waiting', 'granted', 'settling', 'settled', 'refused', 'not-now', 'unknown']),
  place: z.number().optional(),
  etaMs: z.number().optional(),
  settleMs: z.number().optional(),
  held: z.number().optional(),
  unsaid: z.number().optional(),
  why: z.string().optional(),
});

export type ClaimReply = z.output<typeof claimReply>;

/** What `adopt` answers. */
export const adoptReply = z.object({
  adopted: z.array(z.string()),
  problems: z.array(z.object({ login: z.string(), reason: z.string() })),
});

/** What `repair` answers. */
export const repairReply = z.object({
  phase: z.enum(['away', 'busy', 'done']),
  waiting: z.array(
    z.object({ store: storeId, profile: profileId, place: z.number().optional(), etaMs: z.number().optional() }),
  ),
});

/** The daemon's side of the control socket. */
export async function answerControl(agent: Agent, request: unknown): Promise<unknown> {
  const parsed = controlRequest.safeParse(request);
  if (!parsed.success)
    throw new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the daemon does not know this request', {
      hint: 'restart it: it may be of another version than this command',
    });
  if (parsed.data.op === 'status') return agent.status();
  if (parsed.data.op === 'repair') return agent.repair(parsed.data.timeoutMs);
  if (parsed.data.op !== 'adopt') return agent.claim(parsed.data);
  const { adopted, problems } = await agent.adopt(parsed.data.profiles, parsed.data.agent);
  return { adopted, problems };
}
