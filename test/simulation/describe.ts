import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Process } from './central.ts';
import {
  downText,
  factsText,
  nodeName,
  noteText,
  outcomeText,
  peerName,
  printName,
  seenText,
  storeName,
  upText,
} from './wording.ts';
import type { World } from './world/world.ts';

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
    case 'exchanged':
      return `exchanged ${accountLabel(event.account)} #${event.epoch}: ${outcomeText(world, event.outcome)}`;
    case 'store-marked':
      return `store-marked ${storeName(event.store)} ${event.outcome.result}`;
    case 'health-checked':
      return `health-checked #${event.claim} ${event.ok ? 'ok' : event.why}`;
    case 'secrets-read':
      return `secrets-read ${event.readings.map(({ name, found }) => `${name} ${found.state}`).join(', ')}`;
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
      if (memory.kind === 'lease') return `remember lease of ${accountLabel(memory.account)} settled`;
      if (memory.kind === 'account') return `remember ${factsText(world, memory.account)}`;
      if (memory.kind === 'hole') return `remember ${memory.hole ? 'a hole' : 'no hole'}`;
      const last = memory.copy
        ? memory.copy.last
          ? printName(world, memory.copy.last.access)
          : 'nothing sound'
        : 'gone';
      return `remember copy ${memory.copy ? `${storeName(memory.copy.store)} ${memory.copy.profile} ` : ''}${last}`;
    }
    case 'exchange':
      return `exchange ${printName(world, effect.refresh)} under lease #${effect.epoch} of ${accountLabel(effect.account)}`;
    case 'mark-store':
      return `mark-store ${storeName(effect.store)} ${effect.hold ? `held` : 'lifted'}`;
    case 'check-health':
      return `check-health #${effect.claim}`;
    case 'secret-errand':
      return `secret-errand ${effect.errand.type} ${effect.errand.name}`;
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
    case 'told':
      return `told ${event.channel} ${event.outcome.ok ? 'taken' : event.outcome.why}`;
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
    case 'tell':
      return `tell ${effect.channel} ${effect.message.event}: ${effect.message.incidents.map(({ what }) => what).join('; ')}`;
    case 'propagated':
      return `propagated after ${effect.afterMs} ms`;
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
