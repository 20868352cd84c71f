import type { LeaveResult, RestoredLogin } from '@authmesh/agent/core/leave/leaving';
import type { Reloader } from '@authmesh/agent/io/secrets-reload';
import type { AgentStores } from './agent-stores.ts';
import type { Requests } from './control-requests.ts';
import type { Agent } from './running-agent.ts';

/** A gateway that writes what it remembers over a store is answered as often, and told each time. */
const restoresMax = 3;

/** What an agent does of leaving its fleet: the machine decides, by what stands in the stores now. */
export function createLeaveRequests(
  requests: Pick<Requests, 'ask'>,
  stores: Pick<AgentStores, 'rescan'>,
  reloader: Pick<Reloader, 'settled'>,
): Pick<Agent, 'planLeave' | 'leave'> {
  return {
    async planLeave() {
      // Asked at once: a refresh token that a broken-off leave has put back stays from here on.
      const asked = requests.ask({ op: 'leave-plan' }, 'leave-plan');
      await stores.rescan();
      return (await asked).result;
    },
    /** Nobody could put a pair back once more when the membership is over: running gateways have it before. */
    async leave(ends, agreed) {
      const restored = new Map<string, RestoredLogin>();
      const step = async (until: typeof ends): Promise<LeaveResult> => {
        await stores.rescan();
        const { result } = await requests.ask({ op: 'leave', ends: until, agreed }, 'leave');
        if (result.phase === 'refused') return result;
        for (const login of result.restored) restored.set(login.account, login);
        return result;
      };
      for (let restores = 0; ; restores++) {
        const result = await step('work');
        if (result.phase !== 'restored') return result;
        if (result.restored.length === 0) break;
        if (restores >= restoresMax) return { phase: 'refused', code: 'failed', why: overwritten(result.restored) };
        await reloader.settled();
      }
      const result = ends === 'work' ? ({ phase: 'restored', restored: [] } as const) : await step('membership');
      return result.phase === 'refused' ? result : { ...result, restored: [...restored.values()] };
    },
  };
}

function overwritten(logins: readonly RestoredLogin[]): string {
  return `${logins.map(({ store }) => store).join(', ')}: what was put back is written over, by a gateway that remembers an older login: restart it`;
}
