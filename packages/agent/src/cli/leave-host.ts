import type { Agreement, LeaveResult, PlanResult } from '@authmesh/agent/core/leave/leaving';
import { forgetMembership } from '@authmesh/agent/io/membership-end';
import { type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { findInstance } from '@authmesh/shared/node/instance-lock';
import { leaveReply, planReply } from './control.ts';
import type { OpenedHome } from './home.ts';
import { withAgentHere } from './host-agent.ts';

/** The machine gives up after 20 s, and after a minute for each of its steps, between which gateways are told. */
const planMsMax: Milliseconds = 30 * second;
const leaveMsMax: Milliseconds = 5 * minute;
/** For a daemon that has left to finish what it is writing. */
const stopMsMax: Milliseconds = 20 * second;
const lookMs: Milliseconds = 50;

/** Who can leave for this host: its daemon, or an agent of this process. */
export interface LeaveHost {
  readonly plan: () => Promise<PlanResult>;
  readonly leave: (ends: 'membership' | 'work', agreed: Agreement) => Promise<LeaveResult>;
}

/**
 * Works with the host's daemon, or, where none runs, with an agent in this process. What `work` says `hasLeft` of is
 * forgotten: keys, vault and what was known of the fleet.
 */
export async function withLeaveHost<Result extends { readonly hasLeft: boolean }>(
  opened: OpenedHome,
  say: (sentence: string) => void,
  work: (host: LeaveHost) => Promise<Result>,
): Promise<Result> {
  const { home } = opened;
  let first = await askPlan(home).catch((error: unknown) => {
    if (error instanceof AuthmeshError && error.code === 'ERR_DAEMON_UNREACHABLE') return undefined;
    throw error;
  });
  if (first === undefined) {
    return withAgentHere(
      opened,
      say,
      agent => work({ plan: agent.planLeave, leave: agent.leave }),
      async ({ hasLeft }) => {
        if (hasLeft) await forgetMembership(home);
      },
    );
  }
  const result = await work({
    plan: () => {
      const told = first;
      first = undefined;
      return told ? Promise.resolve(told) : askPlan(home);
    },
    leave: async (ends, agreed) => {
      const request = { op: 'leave', ends, agreed };
      return leaveReply.parse(await askControl({ home, request, timeoutMs: leaveMsMax }));
    },
  });
  if (!result.hasLeft) return result;
  await untilStopped(home);
  await forgetMembership(home);
  return result;
}

async function askPlan(home: string): Promise<PlanResult> {
  return planReply.parse(await askControl({ home, request: { op: 'leave-plan' }, timeoutMs: planMsMax }));
}

/** The daemon stops by itself; what it would write after its home is cleared would stay. */
async function untilStopped(home: string): Promise<void> {
  const deadline = performance.now() + stopMsMax;
  for (;;) {
    const pid = await findInstance(home);
    if (pid === undefined) return;
    if (performance.now() > deadline) {
      throw new AuthmeshError(
        'ERR_ALREADY_RUNNING',
        `this host has left its fleet, and its agent still runs, as process ${pid}`,
        {
          hint: 'stop it, and run `authmesh-agent leave` again: that clears its home',
        },
      );
    }
    await new Promise(resolve => setTimeout(resolve, lookMs));
  }
}
