import type { PoolTerms } from '@authmesh/coordinator/core/pool/terms';
import { tell } from './agent-process.ts';
import { type Agent, afterOnHost, type Host } from './host.ts';
import { noteStarted } from './sessions.ts';
import { writeLine } from './trace.ts';
import type { World } from './world/world.ts';

const askMs = 1_000;
const asksMax = 120;

/**
 * `authmesh-agent exec`: waits for the permits of its sessions, starts them, and leaves them to settle. Sessions above the
 * limit are those of all the host's agents, which the command starts again.
 */
export function runCommand(world: World, host: Host, pool: string, sessions: number): void {
  const { agent } = host;
  const terms = world.pools.find(({ name }) => name === pool);
  if (!agent || !terms) return;
  // What the pool allows is asked first.
  tell(world, host, agent, { type: 'asked', request: nextRequest(agent), control: { op: 'status' } });
  afterOnHost(world, host, 2 * askMs, () => {
    if (host.agent === agent) claim(world, host, agent, terms, sessions);
  });
}

function claim(world: World, host: Host, agent: Agent, terms: PoolTerms, sessions: number): void {
  const id = agent.state.claims.nextId;
  const request = nextRequest(agent);
  tell(world, host, agent, { type: 'asked', request, control: { op: 'claim', pool: terms.name, sessions } });
  const ask = (left: number) => {
    // Its daemon died: so does the wait.
    if (host.agent !== agent || left === 0) return;
    const phase = agent.state.claims.byId.get(id)?.phase;
    if (phase === undefined || phase === 'settled') return;
    const op = phase === 'granted' ? 'claim-started' : 'claim-state';
    tell(world, host, agent, { type: 'asked', request, control: { op, claim: id } });
    const started = phase === 'granted' ? agent.state.claims.byId.get(id) : undefined;
    if (started?.phase === 'settling') {
      const { starts, held } = started;
      if (world.trace.write) writeLine(world.trace, world.now, host.name, startLine(sessions, held));
      if (starts !== undefined) noteStarted(world, host, terms.name);
      else world.checks.letGo(world, { terms, sessions, settleMs: terms.settleMs, who: `${host.name} command ${id}` });
      return;
    }
    afterOnHost(world, host, phase === 'granted' ? askMs / 20 : askMs, () => ask(left - 1));
  };
  afterOnHost(world, host, askMs, () => ask(asksMax));
}

function nextRequest({ state }: Agent): number {
  return 1_000_000 + state.claims.nextId;
}

function startLine(sessions: number, held: number | undefined): string {
  return held ? `(${sessions} sessions start, ${held} agents of them are held back)` : `(${sessions} sessions start)`;
}
