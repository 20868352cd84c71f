import type { Milliseconds } from '@authmesh/shared/core/time';
import { tell } from './agent-process.ts';
import { cutLink } from './connection.ts';
import { afterOnHost, type Host } from './host.ts';
import { writeLine } from './trace.ts';
import type { World } from './world/world.ts';

/** The lid is closed: nothing on the host runs, and its links die without a word. */
export function sleepHost(world: World, host: Host, forMs: Milliseconds): void {
  if (host.asleepUntil > world.now) return;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, `(sleeps for ${Math.round(forMs / 1_000)} s)`);
  host.asleepUntil = world.now + forMs;
  host.way.cut.up = true;
  host.way.cut.down = true;
  afterOnHost(world, host, forMs, () => wake(world, host, forMs));
}

function wake(world: World, host: Host, sleptMs: Milliseconds): void {
  if (world.trace.write) writeLine(world.trace, world.now, host.name, '(wakes)');
  host.way.cut.up = false;
  host.way.cut.down = false;
  for (const link of [...host.way.links]) cutLink(world, host, link);
  // The wall clock went on, the monotonic one did not.
  if (host.agent) host.agent.sleptMs += sleptMs;
  if (host.agent) tell(world, host, host.agent, { type: 'clock-jumped', byMs: sleptMs });
}
