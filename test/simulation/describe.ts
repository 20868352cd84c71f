import type { AgentEffect, OutgoingMessage } from '@authmesh/agent/core/effect';
import type { AgentEvent, SeenProfile } from '@authmesh/agent/core/event';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import { accountLabel, type Fingerprint, type NodeId, type StoreId } from '@authmesh/shared/core/identifiers';
import type { Note } from '@authmesh/shared/core/notes';
import type { Position } from '@authmesh/shared/core/position';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { Process } from './central.ts';
import { secretMarker } from './world/secret.ts';
import type { World } from './world/world.ts';

/*
 * Readable lines for traces and transcripts. A credential is named by what it really is, which only the simulator
 * knows: `2.3` is the third access token of the second login, `2.3r` the refresh token that came with it.
 */

export function describeAgentEvent(world: World, event: AgentEvent): string {
  switch (event.type) {
    case 'store-observed': {
      const { seen, store } = event;
      const found =
        seen.state === 'readable' ? seen.profiles.map(profile => seenText(world, profile)).join(', ') : seen.state;
      return `store-observed ${storeName(store)} ${found || 'empty'}`;
    }
    case 'write-settled':
      return `write-settled ${storeName(event.store)} ${event.profile}: ${event.outcome.result}`;
    case 'link-opened':
      return `link-opened epoch ${event.epoch} offset ${Math.round(event.clockOffsetMs / 1_000)} s`;
    case 'link-closed':
      return `link-closed ${event.reason}`;
    case 'announced':
      return `announced ${factsText(world, event.facts)}${event.problem ? ` PROBLEM ${event.problem}` : ''}`;
    case 'frame-received':
      return `frame-received ${downText(world, event.message)}`;
    case 'timer-fired':
      return `timer-fired ${event.timer}`;
    case 'asked':
      return `asked ${event.control.op}`;
    case 'clock-jumped':
      return `clock-jumped by ${Math.round(event.byMs / 1_000)} s`;
    case 'started':
    case 'configured':
    case 'drain-requested':
      return event.type;
    default:
      return event satisfies never;
  }
}

export function describeAgentEffect(world: World, effect: AgentEffect): string {
  switch (effect.type) {
    case 'send':
      return `send ${upText(world, effect.message)}`;
    case 'set-timer':
      return `set-timer ${effect.timer} ${effect.delayMs} ms`;
    case 'clear-timer':
      return `clear-timer ${effect.timer}`;
    case 'write-credential':
      return `write-credential ${storeName(effect.store)} ${effect.profile} ${printName(world, effect.access)} ${effect.form} over ${printName(world, effect.expected.access)}`;
    case 'create-profile':
      return `create-profile ${storeName(effect.store)} ${effect.profile} ${printName(world, effect.access)} ${effect.form}`;
    case 'remember': {
      const { memory } = effect;
      if (memory.kind === 'account') return `remember ${factsText(world, memory.account)}`;
      const last = memory.copy
        ? memory.copy.last
          ? printName(world, memory.copy.last.access)
          : 'nothing sound'
        : 'gone';
      return `remember copy ${memory.copy ? `${storeName(memory.copy.store)} ${memory.copy.profile} ` : ''}${last}`;
    }
    case 'reread':
      return `reread ${storeName(effect.store)}`;
    case 'reply':
      return `reply ${effect.reply.op}`;
    case 'note':
      return noteText(world, effect);
    case 'dial':
    case 'close-link':
    case 'stop':
      return effect.type;
    default:
      return effect satisfies never;
  }
}

export function describeCoordinatorEvent(world: World, process: Process, event: CoordinatorEvent): string {
  switch (event.type) {
    case 'attested':
      return `attested ${nodeName(world, event.attest.node)}`;
    case 'enroll-proved':
      return `enroll-proved ${event.enroll.name}`;
    case 'link-closed':
      return `link-closed #${event.link}`;
    case 'link-probed':
      return `link-probed ${peerName(process, event.link)} ${event.alive ? 'alive' : 'dead'}`;
    case 'frame-received':
      return `from ${peerName(process, event.link)}: ${upText(world, event.message)}`;
    case 'persist-succeeded':
      return `persist-succeeded ${event.key} at ${event.storeRevision}`;
    case 'persist-conflicted':
      return `persist-conflicted ${event.key} at ${event.storeRevision}`;
    case 'persist-failed':
      return `persist-failed ${event.key}: ${event.reason}`;
    case 'timer-fired':
      return `timer-fired ${event.timer}`;
    case 'started':
    case 'configured':
    case 'drain-requested':
      return event.type;
    default:
      return event satisfies never;
  }
}

export function describeCoordinatorEffect(world: World, process: Process, effect: CoordinatorEffect): string {
  switch (effect.type) {
    case 'welcome':
      return `welcome ${peerName(process, effect.link)} epoch ${effect.epoch}`;
    case 'admit':
      return `admit ${effect.name}`;
    case 'refuse':
      return `refuse ${peerName(process, effect.link)}: ${effect.reason}`;
    case 'close-link':
      return `close-link ${peerName(process, effect.link)}: ${effect.reason}`;
    case 'probe':
      return `probe ${peerName(process, effect.link)}`;
    case 'send':
      return `to ${peerName(process, effect.link)}: ${downText(world, effect.message)}`;
    case 'announce': {
      const { type: _, sealed: __, ...facts } = effect.announcement;
      const links = effect.links === 'all' ? 'all' : effect.links.map(link => peerName(process, link)).join(' ');
      return `announce to ${links}: ${factsText(world, facts)}`;
    }
    case 'compare-and-set':
      return `compare-and-set ${effect.key} over ${effect.expected}`;
    case 'audit':
      return `audit ${effect.entry.action}`;
    case 'set-timer':
      return `set-timer ${effect.timer} ${effect.delayMs} ms`;
    case 'clear-timer':
      return `clear-timer ${effect.timer}`;
    case 'stop':
      return 'stop';
    case 'note':
      return noteText(world, effect);
    default:
      return effect satisfies never;
  }
}

/** `2.3`, or `2.3r` for a refresh token. */
export function printName(world: World, print: Fingerprint | undefined): string {
  if (print === undefined) return 'nothing';
  const secret = world.issuer.secretOf(print);
  return secret ? secret.text.slice(secretMarker.length).replace('.access', '').replace('.refresh', 'r') : 'unknown';
}

/** The agent's folder, which is what distinguishes a host's stores. */
export function storeName(store: StoreId): string {
  return store.split('/').at(-3) ?? store;
}

function seenText(world: World, seen: SeenProfile): string {
  const refresh = seen.refresh ? '+r' : '';
  return `${seen.profile}=${seen.health === 'sound' ? `${printName(world, seen.access)}${refresh}` : seen.health}`;
}

function observationText(
  world: World,
  { health, access, refresh, profile, store, trouble, announced }: Observation,
): string {
  const what = health === 'sound' ? `${printName(world, access)}${refresh ? '+r' : ''}` : health;
  const where = announced ? ` known at ${positionText(announced.position)}` : '';
  return `${storeName(store)} ${profile}=${what}${where}${trouble ? ` (${trouble})` : ''}`;
}

function upText(world: World, message: OutgoingMessage | UpMessage): string {
  switch (message.type) {
    case 'inventory': {
      const known = message.known
        .map(({ account, position }) => `${accountLabel(account)}@${positionText(position)}`)
        .join(' ');
      return `inventory [${message.observations.map(seen => observationText(world, seen)).join('; ')}]${known ? ` knows ${known}` : ''}`;
    }
    case 'publish':
      return `publish ${observationText(world, message.observation)} generation ${message.generation}`;
    case 'acknowledge': {
      const gone = message.gone.map(({ store, profile }) => `${storeName(store)} ${profile} gone`);
      return `acknowledge [${[...message.observations.map(seen => observationText(world, seen)), ...gone].join('; ')}]`;
    }
    case 'ask':
      return `ask ${message.question.type}`;
    case 'beat':
      return 'beat';
    default:
      return message satisfies never;
  }
}

function downText(world: World, message: DownMessage): string {
  switch (message.type) {
    case 'judgements': {
      const judged = message.judgements.map(
        ({ store, profile, access, verdict }) =>
          `${storeName(store)} ${profile} ${printName(world, access)}: ${verdict}`,
      );
      return `judgements [${judged.join('; ')}]`;
    }
    case 'drain':
      return `drain, back in ${message.notBeforeMs} ms`;
    case 'answer':
      return `answer ${message.body.type}`;
    case 'synced':
    case 'beat':
      return message.type;
    default:
      return message satisfies never;
  }
}

function factsText(world: World, facts: AnnouncementFacts): string {
  const { account, position, access, refresh, generation, home, restored } = facts;
  return `${accountLabel(account)}@${positionText(position)} = ${printName(world, access)}${refresh ? '+r' : ''} generation ${generation} home ${nodeName(world, home)}${restored ? ' RESTORED' : ''}`;
}

function positionText({ epoch, revision }: Position): string {
  return `${epoch}.${revision}`;
}

function nodeName(world: World, node: NodeId): string {
  return world.hostsById.get(node)?.name ?? node.slice(0, 8);
}

function peerName(process: Process, link: LinkId): string {
  return process.peers.get(link)?.host.name ?? `#${link}`;
}

function noteText(world: World, { name, account, profile, node, revision, why }: Note): string {
  const parts = [
    account && accountLabel(account),
    profile,
    node && nodeName(world, node),
    revision !== undefined && `revision ${revision}`,
    why && `(${why})`,
  ];
  return ['note', name, ...parts.filter(part => part)].join(' ');
}
