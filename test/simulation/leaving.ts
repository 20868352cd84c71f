import type { AgentEffect } from '@authmesh/agent/core/effect';
import { type NodeRecord, nodeKey } from '@authmesh/coordinator/core/record';
import { crashAgent, tell } from './agent-process.ts';
import { type Agent, afterOnHost, type Host } from './host.ts';
import { writeLine } from './trace.ts';
import { createJournal } from './world/journal.ts';
import type { Secret } from './world/secret.ts';
import type { World } from './world/world.ts';

type Reply = Extract<AgentEffect, { type: 'reply' }>['reply'];

const commandMs = 5;

/** `authmesh-agent leave`, by an operator who agrees to whatever it comes to. */
export function leaveFleet(world: World, host: Host, request: number): void {
  const { agent } = host;
  if (!agent) return;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, '(operator has it leave)');
  tell(world, host, agent, { type: 'asked', request, control: { op: 'leave-plan' } });
}

/** The command's next step; its home is empty when the membership is over. */
export function leaveReplied(world: World, host: Host, agent: Agent, request: number, reply: Reply): void {
  if (reply.op === 'leave-plan' && 'plan' in reply.result) {
    const { isLast, logins } = reply.result.plan;
    const agreed = { isLast, logins: logins.map(({ account, fate }) => ({ account, fate })) };
    const control = { op: 'leave', ends: 'membership', agreed } as const;
    afterOnHost(world, host, commandMs, () => tell(world, host, agent, { type: 'asked', request, control }));
  } else if (reply.op === 'leave' && reply.result.phase === 'left') {
    afterOnHost(world, host, commandMs, () => {
      if (host.agent !== agent) return;
      crashAgent(world, host, false);
      membershipEnded(world, host);
    });
  }
}

/** The command died, or lost its answer, after the coordinator had ended the membership: an operator runs it again. */
export function leaveAgain(world: World, host: Host): void {
  if (!host.member) return;
  crashAgent(world, host, false);
  membershipEnded(world, host);
}

/** What the coordinator has kept of this node says that it left. */
export function isRecordedAsLeft({ central }: World, { id }: Host): boolean {
  const record = central.records.entries.get(nodeKey(id))?.value as NodeRecord | undefined;
  return record?.left !== undefined;
}

function membershipEnded(world: World, host: Host): void {
  for (const refresh of refreshTokensOf(host)) {
    const others = world.hosts.filter(other => other !== host && other.member);
    if (!others.some(other => refreshTokensOf(other).includes(refresh))) host.tookAlong.add(refresh);
  }
  host.member = false;
  host.hasLeft = true;
  host.journal = createJournal();
}

function refreshTokensOf({ disk }: Host): Secret[] {
  return [...disk.stores.values()].flatMap(({ profiles }) =>
    [...profiles.values()].flatMap(entry => entry.refresh ?? []),
  );
}

/** A backup may be older than the day on which a host left, and nobody else can say so. */
export function forgetDepartures({ hosts }: World): void {
  for (const { tookAlong } of hosts) tookAlong.clear();
}
