import type { LeaveResult } from '@authmesh/agent/core/leave/leaving';
import type { Agent } from '@authmesh/agent/running-agent';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { accountId, profileId, storeId } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

const fate = z.enum(['restored', 'stays', 'ends', 'lost']);

const leaveRequest = z.strictObject({
  op: z.literal('leave'),
  ends: z.enum(['membership', 'work']),
  agreed: z.object({
    isLast: z.boolean(),
    logins: z.array(z.object({ account: accountId, fate })).max(20_000),
  }),
});

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
  z.strictObject({ op: z.literal('leave-plan') }),
  leaveRequest,
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

/** What `leave-plan` answers. */
export const planReply = z.union([
  z.object({
    plan: z.object({
      isMember: z.boolean(),
      isLast: z.boolean(),
      othersOnline: z.number(),
      logins: z.array(
        z.object({
          account: accountId,
          profile: profileId,
          fate,
          store: storeId.optional(),
          endsAt: z.number().nullable(),
          isVaulted: z.boolean(),
          why: z.string().optional(),
        }),
      ),
    }),
  }),
  z.object({ away: z.string() }),
]);

const restored = z.array(z.object({ account: accountId, profile: profileId, store: storeId }));

/** What `leave` answers. */
export const leaveReply = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('left'), restored, remaining: z.number().nullable() }),
  z.object({ phase: z.literal('restored'), restored }),
  z.object({ phase: z.literal('refused'), code: z.enum(['away', 'changed', 'busy', 'failed']), why: z.string() }),
]);

/** The daemon's side of the control socket; `onLeft`: its host is no member any more. */
export function answerControl(
  agent: Agent,
  request: unknown,
  onLeft: () => void,
): Promise<unknown> | AsyncIterable<unknown> {
  const parsed = controlRequest.safeParse(request);
  return parsed.data?.op === 'leave' ? answerLeave(agent, parsed.data, onLeft) : answerOnce(agent, parsed);
}

async function answerOnce(agent: Agent, parsed: ReturnType<typeof controlRequest.safeParse>): Promise<unknown> {
  if (!parsed.success || parsed.data.op === 'leave')
    throw new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the daemon does not know this request', {
      hint: 'restart it: it may be of another version than this command',
    });
  if (parsed.data.op === 'status') return agent.status();
  if (parsed.data.op === 'leave-plan') return agent.planLeave();
  if (parsed.data.op === 'repair') return agent.repair(parsed.data.timeoutMs);
  if (parsed.data.op !== 'adopt') return agent.claim(parsed.data);
  const { adopted, problems } = await agent.adopt(parsed.data.profiles, parsed.data.agent);
  return { adopted, problems };
}

/** Answers `leave`, and then, whether or not the answer was still wanted, has a daemon stop whose membership is over. */
async function* answerLeave(
  agent: Agent,
  { ends, agreed }: z.output<typeof leaveRequest>,
  onLeft: () => void,
): AsyncGenerator<LeaveResult, void, undefined> {
  const result = await agent.leave(ends, agreed);
  try {
    yield result;
  } finally {
    if (result.phase === 'left') onLeft();
  }
}
