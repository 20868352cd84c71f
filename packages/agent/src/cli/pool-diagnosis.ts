import { poolOfLogin } from '@authmesh/agent/core/pool-share';
import type { AgentState } from '@authmesh/agent/core/state';
import { overweightSentence, overweightStores } from '@authmesh/agent/io/overweight';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { type Finding, notice, problem } from './finding.ts';

/** Where the pools of the coordinator cannot do on this host what is asked of them. */
export function diagnosePools(state: AgentState, pools: readonly PoolView[]): Finding[] {
  const heavy = overweightStores(state, pools).map(one => problem('pool', overweightSentence(one), one.mend));
  return [...heavy, ...healthFindings(state, pools)];
}

/** Without the command it is time alone that says whether sessions are back. */
function healthFindings({ config, copies }: AgentState, pools: readonly PoolView[]): Finding[] {
  if (config.healthCommands === true) return [];
  const used = new Set<string>();
  for (const copy of copies.values()) if (copy.seen) used.add(poolOfLogin(pools, copy).name);
  return pools
    .filter(({ name, healthCommand }) => healthCommand !== undefined && used.has(name))
    .map(({ name }) =>
      notice(
        'pool',
        `pool ${name} names a health command, and this host does not run commands that the coordinator names`,
        'say `"healthCommands": true` in agent.json, then send the daemon SIGHUP; until then the settle time decides',
      ),
    );
}
