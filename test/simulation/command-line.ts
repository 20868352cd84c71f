import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Question } from '@authmesh/shared/protocol/question';
import { attestOf, closeFromAgent } from './connection.ts';
import type { Host } from './host.ts';
import { coordinatorReceives, peerAttests } from './peers.ts';
import { writeLine } from './trace.ts';
import type { Link } from './world/network.ts';
import { after, type World } from './world/world.ts';

/** A command of an operator: a link of its own beside the daemon's, one question after the other. */
interface Session {
  readonly ask: (question: Question, answered: (body: AnswerBody) => void) => void;
  readonly close: () => void;
}

/** What a command's link does with what arrives; the daemon's link has none. */
export interface CommandEnd {
  readonly opened: () => void;
  readonly received: (message: DownMessage) => void;
}

const commandMsMax = 10_000;

function connect(world: World, host: Host, opened: (session: Session) => void): void {
  const process = world.central.process;
  if (!process || !host.member || host.way.cut.up || host.way.cut.down || host.asleepUntil > world.now) return;
  const link = world.network.open(host.way);
  const waiting = new Map<number, (body: AnswerBody) => void>();
  const close = () => closeFromAgent(world, link);
  const session: Session = {
    ask: (question, answered) => {
      const request = waiting.size + 1;
      waiting.set(request, answered);
      world.network.send(link, 'up', () => {
        if (link.coordinatorOpen) coordinatorReceives(world, process, link, { type: 'ask', request, question });
      });
    },
    close,
  };
  world.commands.set(link, {
    opened: () => opened(session),
    received: message => {
      if (message.type === 'answer') waiting.get(message.request)?.(message.body);
    },
  });
  world.network.send(link, 'up', () =>
    peerAttests(world, process, host, link, attestOf(world, host, 'command', host.agent?.epoch ?? 0)),
  );
  after(world, commandMsMax, () => {
    world.commands.delete(link);
    close();
  });
}

/** `authmesh-agent restore`: the fleet goes back to entry `number` of an account's history, sealed anew above all others. */
export function restoreLogin(world: World, host: Host, account: AccountId, number: number): void {
  connect(world, host, session => {
    if (world.trace.write) writeLine(world.trace, world.now, host.name, `(operator restores entry ${number})`);
    session.ask({ type: 'candidate', account, number }, body => {
      const ticket = body.type === 'candidate' ? world.seals.open(body.sealed) : undefined;
      if (body.type !== 'candidate' || !ticket) return session.close();
      const generation = body.generation + 1;
      const { credential } = ticket;
      const spendable = credential.refresh !== undefined && !body.refreshSpent;
      const restored = { ...credential, refresh: spendable ? credential.refresh : undefined };
      const sealed = world.seals.seal({ account, generation, origin: host.id, credential: restored });
      session.ask({ type: 'rollback', account, number, generation, spendable, sealed }, () => session.close());
    });
  });
}

/** `authmesh-agent link`: the copies of these nodes are one account. */
export function linkCopies(world: World, host: Host, account: AccountId, nodes: readonly NodeId[]): void {
  connect(world, host, session => {
    if (world.trace.write) writeLine(world.trace, world.now, host.name, '(operator links copies)');
    session.ask({ type: 'link', account, nodes: [...nodes] }, () => session.close());
  });
}

/** Whether a link is a command's. */
export function commandEnd(world: World, link: Link): CommandEnd | undefined {
  return world.commands.get(link);
}
