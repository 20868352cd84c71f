import type { AgentEvent } from '@authmesh/agent/core/event';
import { repairOf } from '@authmesh/agent/core/repair';
import type { AgentState } from '@authmesh/agent/core/state';
import { adoptionStore } from '@authmesh/agent/io/adoption-store';
import type { createDecayWatch } from '@authmesh/agent/io/decay-watch';
import { createHomeCheck } from '@authmesh/agent/io/home-check';
import type { Keeper } from '@authmesh/agent/io/memory-keeper';
import { createOverviewKeeper } from '@authmesh/agent/io/overview-file';
import { untilRepaired } from '@authmesh/agent/io/repair-watch';
import type { createReloader } from '@authmesh/agent/io/secrets-reload';
import { statusOf } from '@authmesh/agent/io/status-view';
import type { Driver } from '@authmesh/shared/runtime/driver';
import type { AgentStores } from './agent-stores.ts';
import type { Requests } from './control-requests.ts';
import type { Agent } from './running-agent.ts';

export interface AgentRequestsOptions {
  readonly home: string;
  readonly machine: Driver<AgentState, AgentEvent>;
  readonly requests: Requests;
  readonly stores: AgentStores;
  readonly reloader: ReturnType<typeof createReloader>;
  readonly keeper: Keeper;
  readonly decay: ReturnType<typeof createDecayWatch>;
}

/** What a command line of this host asks of its daemon. */
export function createAgentRequests({
  home,
  machine,
  requests,
  stores,
  reloader,
  keeper,
  decay,
}: AgentRequestsOptions): Pick<Agent, 'status' | 'adopt' | 'claim' | 'repair'> {
  const checkHome = createHomeCheck(home);
  const keepOverview = createOverviewKeeper(home);
  return {
    async status() {
      await requests.ask({ op: 'status' }, 'status');
      const { overview } = machine.state;
      if (overview) await keepOverview(overview);
      decay.look();
      const problem = (await keeper.retry()) ?? (await checkHome());
      return statusOf(
        machine.state,
        Date.now(),
        stores.directories().map(one => ({ ...one, reload: reloader.trouble(one.stateDir) })),
        { path: home, problem },
        stores.lookedAt,
      );
    },
    async adopt(profiles, agentId) {
      await stores.rescan();
      const store = adoptionStore(stores.directories(), agentId);
      return requests.ask({ op: 'adopt', profiles, store }, 'adopt');
    },
    async claim(control) {
      if (control.op === 'claim') {
        // What the pool allows is the coordinator's word, and may be another one by now.
        await requests.ask({ op: 'status' }, 'status');
        await stores.rescan();
      }
      return (await requests.ask(control, 'claim')).state;
    },
    async repair(timeoutMs) {
      await stores.rescan();
      return untilRepaired(() => repairOf(machine.state, Date.now()), timeoutMs);
    },
  };
}
