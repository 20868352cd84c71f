import type { OutgoingMessage } from '@authmesh/agent/core/effect';
import type { SeenProfile } from '@authmesh/agent/core/event';
import type { LeaseOutcome } from '@authmesh/agent/core/refresh/open-lease';
import type { LinkId } from '@authmesh/coordinator/core/event';
import { accountLabel, type Fingerprint, type NodeId, type StoreId } from '@authmesh/shared/core/identifiers';
import type { Note } from '@authmesh/shared/core/notes';
import type { Position } from '@authmesh/shared/core/position';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { ClaimsReport, Permits } from '@authmesh/shared/protocol/permit';
import type { Inventory, UpMessage } from '@authmesh/shared/protocol/up';
import type { Process } from './central.ts';
import { secretMarker } from './world/secret.ts';
import type { World } from './world/world.ts';

/*
 * Readable lines for traces and transcripts. A credential is named by what it really is, which only the simulator
 * knows: `2.3` is the third access token of the second login, `2.3r` the refresh token that came with it.
 */

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

export function seenText(world: World, seen: SeenProfile): string {
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

function knownText(verb: string, known: Inventory['known'] = []): string {
  const names = known.map(({ account, position }) => `${accountLabel(account)}@${positionText(position)}`);
  return names.length > 0 ? ` ${verb} ${names.join(' ')}` : '';
}

export function upText(world: World, message: OutgoingMessage | UpMessage): string {
  switch (message.type) {
    case 'inventory': {
      return `inventory [${message.observations.map(seen => observationText(world, seen)).join('; ')}]${knownText('knows', message.known)}`;
    }
    case 'publish':
      return `publish ${observationText(world, message.observation)} generation ${message.generation}`;
    case 'acknowledge': {
      const gone = message.gone.map(({ store, profile }) => `${storeName(store)} ${profile} gone`);
      return `acknowledge [${[...message.observations.map(seen => observationText(world, seen)), ...gone].join('; ')}]${knownText('vouches for', message.known)}`;
    }
    case 'renewal':
      return `renewal of ${printName(world, message.replaced)} under lease #${message.epoch}: ${printName(world, message.renewed.access)} generation ${message.generation}`;
    case 'recollection':
      return `recollection of ${factsText(world, message.facts)}`;
    case 'miss':
      return `lease #${message.epoch} of ${accountLabel(message.account)} ${message.miss} (${message.why})`;
    case 'claims':
      return claimsText(message.report);
    case 'secrets':
      return `secrets ${message.readings.map(({ name, found }) => `${name} ${found.state}`).join(', ')}`;
    case 'rotation-report':
      return `rotation-report ${message.step} ${message.name} #${message.epoch}`;
    case 'secret-given':
    case 'secret-taken':
      return `${message.type} #${message.push}`;
    case 'ask':
      return `ask ${message.question.type}`;
    case 'beat':
      return 'beat';
    default:
      return message satisfies never;
  }
}

export function outcomeText(world: World, outcome: LeaseOutcome): string {
  return 'renewed' in outcome ? printName(world, outcome.renewed.access) : `${outcome.miss} (${outcome.why})`;
}

function claimsText({ number, claims, signals }: ClaimsReport): string {
  const told = claims.map(({ id, claimant, sessions, phase, outcome }) => {
    const what = claimant.type === 'store' ? storeName(claimant.store) : `command in ${claimant.pool}`;
    return `#${id} ${what}${sessions > 1 ? ` x${sessions}` : ''} ${outcome ?? phase}`;
  });
  const limits = signals.map(({ account, kind }) => `${kind} of ${accountLabel(account)}`);
  return `claims ${number} [${[...told, ...limits].join('; ')}]`;
}

function permitsText({ number, granted, queued, refused }: Permits): string {
  const told = [
    ...granted.map(({ id, pool }) => `#${id} granted in ${pool}`),
    ...queued.map(({ id, place }) => `#${id} waits at ${place}`),
    ...refused.map(({ id }) => `#${id} refused`),
  ];
  return `permits to ${number} [${told.join('; ')}]`;
}

export function downText(world: World, message: DownMessage): string {
  switch (message.type) {
    case 'judgements': {
      const judged = message.judgements.map(
        ({ store, profile, access, verdict }) =>
          `${storeName(store)} ${profile} ${printName(world, access)}: ${verdict}`,
      );
      return `judgements [${judged.join('; ')}]`;
    }
    case 'permits':
      return permitsText(message);
    case 'lease':
      return `lease #${message.epoch} for ${printName(world, message.refresh)}${message.guarded ? ' GUARDED' : ''}`;
    case 'recall':
      return `recall ${message.accounts.map(accountLabel).join(' ')}`;
    case 'lease-settled':
      return `lease #${message.epoch} of ${accountLabel(message.account)} settled${message.again ? `, wanted in generation ${message.again}` : ''}`;
    case 'drain':
      return `drain, back in ${message.notBeforeMs} ms`;
    case 'answer':
      return `answer ${message.body.type}`;
    case 'rotation-order':
      return `rotation-order ${message.step} ${message.name} #${message.epoch}`;
    case 'give-secret':
    case 'take-secret':
      return `${message.type} #${message.push} ${message.name}`;
    case 'synced':
    case 'beat':
      return message.type;
    default:
      return message satisfies never;
  }
}

export function factsText(world: World, facts: AnnouncementFacts): string {
  const { account, position, access, refresh, generation, home, restored } = facts;
  return `${accountLabel(account)}@${positionText(position)} = ${printName(world, access)}${refresh ? '+r' : ''} generation ${generation} home ${nodeName(world, home)}${restored ? ' RESTORED' : ''}`;
}

function positionText({ epoch, revision }: Position): string {
  return `${epoch}.${revision}`;
}

export function nodeName(world: World, node: NodeId): string {
  return world.hostsById.get(node)?.name ?? node.slice(0, 8);
}

export function peerName(process: Process, link: LinkId): string {
  return process.peers.get(link)?.host.name ?? `#${link}`;
}

export function noteText(world: World, { name, account, profile, node, revision, why }: Note): string {
  const parts = [
    account && accountLabel(account),
    profile,
    node && nodeName(world, node),
    revision !== undefined && `revision ${revision}`,
    why && `(${why})`,
  ];
  return ['note', name, ...parts.filter(part => part)].join(' ');
}
