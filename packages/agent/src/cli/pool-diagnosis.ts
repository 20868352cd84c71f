import { sessionsOf } from '@authmesh/agent/core/permit/recovery';
import { poolOfLogin } from '@authmesh/agent/core/pool-share';
import type { AgentState } from '@authmesh/agent/core/state';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { type Finding, notice, problem } from './finding.ts';

/** Where the pools of the coordinator cannot do on this host what is asked of them. */
export function diagnosePools(state: AgentState, pools: readonly PoolView[]): Finding[] {
  return [...weightFindings(state, pools), ...healthFindings(state, pools)];
}

/** One delivery wakes all that hang on a store: a limit below that is none. */
function weightFindings(state: AgentState, pools: readonly PoolView[]): Finding[] {
  const findings = new Map<string, Finding>();
  for (const copy of state.copies.values()) {
    if (!copy.seen) continue;
    const { name, limit } = poolOfLogin(pools, copy);
    const sessions = sessionsOf(state, copy);
    const found = `one login in ${copy.store} wakes ${sessions} sessions, and pool ${name} lets ${limit} come back at once`;
    if (sessions <= limit || findings.has(found)) continue;
    const mend = `\`openclaw config set agents.defaults.maxConcurrent ${limit}\`, or sign its agents in with stores of their own, or raise the limit of ${name} in coordinator.json if the provider allows more; \`authmesh-agent plan --pool ${name} --sessions ${sessions}\` shows what that does`;
    findings.set(found, problem('pool', found, mend));
  }
  return [...findings.values()];
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
