import { tell } from './agent-process.ts';
import { afterOnHost, type Host } from './host.ts';
import { writeLine } from './trace.ts';
import type { World } from './world/world.ts';

const askMs = 1_000;
const asksMax = 120;

/** `authmesh-agent exec`: waits for the permits of its sessions, starts them, and leaves them to settle. */
export function runCommand(world: World, host: Host, pool: string, sessions: number): void {
  const { agent } = host;
  const terms = world.pools.find(({ name }) => name === pool);
  if (!agent || !terms) return;
  const claim = agent.state.claims.nextId;
  const request = 1_000_000 + claim;
  tell(world, host, agent, { type: 'asked', request, control: { op: 'claim', pool, sessions } });
  const ask = (left: number) => {
    // Its daemon died: so does the wait.
    if (host.agent !== agent || left === 0) return;
    const phase = agent.state.claims.byId.get(claim)?.phase;
    if (phase === undefined || phase === 'settled') return;
    const op = phase === 'granted' ? 'claim-started' : 'claim-state';
    tell(world, host, agent, { type: 'asked', request, control: { op, claim } });
    if (phase === 'granted' && agent.state.claims.byId.get(claim)?.phase === 'settling') {
      if (world.trace.write) writeLine(world.trace, world.now, host.name, `(${sessions} sessions start)`);
      const who = `${host.name} command ${claim}`;
      world.checks.letGo(world, { terms, sessions, settleMs: terms.settleMs, who });
      return;
    }
    afterOnHost(world, host, askMs, () => ask(left - 1));
  };
  afterOnHost(world, host, askMs, () => ask(asksMax));
}
