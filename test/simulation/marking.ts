import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { MarkOutcome } from '@authmesh/agent/core/event';
import { crashAgent, tell } from './agent-process.ts';
import { obstacleTo, readBackMs } from './delivery.ts';
import { crashesNow } from './faults.ts';
import { type Agent, afterOnHost, type Host } from './host.ts';
import { noteLifted } from './sessions.ts';
import { observeStore } from './watching.ts';
import type { World } from './world/world.ts';

type MarkStore = Extract<AgentEffect, { type: 'mark-store' }>;

/** Changes the marks that hold a store's agent back, as a delivery changes its logins. */
export function markStore(world: World, host: Host, agent: Agent, effect: MarkStore): void {
  afterOnHost(world, host, world.pace(1, 8), () => {
    if (host.agent !== agent) return;
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
    const outcome = attempt(world, host, agent, effect);
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
    afterOnHost(world, host, readBackMs, () => {
      observeStore(world, host, agent, effect.store, false);
      tell(world, host, agent, { type: 'store-marked', store: effect.store, outcome });
    });
  });
}

function attempt(world: World, host: Host, agent: Agent, { store: id, hold, before }: MarkStore): MarkOutcome {
  const store = host.disk.stores.get(id);
  const obstacle = obstacleTo(world, host, agent, store, before);
  if (obstacle || !store) return obstacle ?? { result: 'changed' };
  const lifted = hold ? undefined : store.hold;
  store.hold = hold;
  store.version++;
  store.lockedUntil = world.now + readBackMs;
  if (lifted) noteLifted(world, host, store, lifted);
  return { result: 'marked', held: hold?.profiles ?? [] };
}
