import type { AccountId, Fingerprint, FleetId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, minute, second } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { DownMessage, Judgement } from '@authmesh/shared/protocol/down';
import type { Permit } from '@authmesh/shared/protocol/permit';
import type { AgentConfig } from './config.ts';
import type { AgentEffect, Memory, OutgoingMessage } from './effect.ts';
import type { AgentEvent, SeenProfile } from './event.ts';
import { createAgentState } from './initial-state.ts';
import type { AgentState } from './state.ts';
import { transition } from './transition.ts';

/* The agent's machine on a stage: tests tell it what happened and look at what it wants done. */

export const self = 'a'.repeat(32) as NodeId;
export const other = 'b'.repeat(32) as NodeId;
export const fleet = other as string as FleetId;
export const account = 'oauth:xai/acct_1' as AccountId;
export const profile = 'xai:default' as ProfileId;
export const store = '/home/claw/auth-profiles.json' as StoreId;
export const start: Instant = 1_800_000_000_000;
const everything = { allow: ['*'], deny: [] } as const;

/** A fingerprint that is easy to tell from others: 32 times a hex digit. */
export const print = (digit: string) => digit.repeat(32) as Fingerprint;

export const defaults: AgentConfig = {
  coordinators: ['wss://central'],
  profiles: everything,
  create: [],
  apiKeys: false,
  custody: 'auto',
  refreshes: new Map(),
};

/** A host that can refresh at xAI. */
export const refreshesXai: AgentConfig['refreshes'] = new Map([['xai', { rotates: true }]]);

/** A sound login as a store's adapter reads it; `more` says what is special about it. */
export function seen(access: string, more: Partial<SeenProfile> = {}): SeenProfile {
  const common = { profile, account, identity: 'account', kind: 'oauth', health: 'sound' } as const;
  return { ...common, access: print(access), expiresAt: null, ...more };
}

/** A store that was read and held these. */
export function holds(...profiles: readonly SeenProfile[]): AgentEvent {
  return { type: 'store-observed', store, seen: { state: 'readable', profiles } };
}

/** The fleet's login of the account; `revision` is its generation too. */
export function facts(access: string, revision: number, more: Partial<AnnouncementFacts> = {}): AnnouncementFacts {
  return {
    account,
    kind: 'oauth',
    profile,
    position: { epoch: 1, revision },
    generation: revision,
    access: print(access),
    expiresAt: null,
    origin: other,
    home: other,
    restored: false,
    ...more,
  };
}

/** The coordinator's word on the copy in `store`. */
export function judgement(verdict: Judgement['verdict'], access?: string, more: Partial<Judgement> = {}): DownMessage {
  const of = access === undefined ? undefined : print(access);
  return { type: 'judgements', judgements: [{ store, profile, access: of, verdict, why: 'so it is', ...more }] };
}

/** One machine with its own clock. */
export interface Scene {
  readonly tell: (event: AgentEvent) => readonly AgentEffect[];
  readonly hear: (message: DownMessage) => readonly AgentEffect[];
  /** The coordinator grants all that this host waits for, in answer to its last report. */
  readonly grant: (more?: Partial<Permit>) => readonly AgentEffect[];
  readonly announce: (facts: AnnouncementFacts, problem?: string) => readonly AgentEffect[];
  /** Brings the link up; what the machine sends at that. */
  readonly connect: (clockOffsetMs?: number) => readonly AgentEffect[];
  readonly pass: (ms: number) => void;
  /** Somebody sets the wall clock; time passes as before. */
  readonly setClock: (byMs: number) => void;
  readonly state: () => AgentState;
}

/** An agent that has just started with this configuration and what its journal kept. */
export function createScene(config: Partial<AgentConfig> = {}, memory: readonly Memory[] = [], seed = 1): Scene {
  let state = createAgentState({
    node: self,
    name: 'pc-a',
    fleet,
    config: { ...defaults, ...config },
    memory,
    run: 'run',
  });
  let at = start;
  let skew = 0;
  /** A clock that is set forward looks like a sleep to the one that counts sleep. */
  let ahead = 0;
  const tell = (event: AgentEvent) => {
    const step = transition(state, { at, elapsed: at - start - skew + ahead, awake: at - start - skew, seed, event });
    state = step.state;
    // Leaves are replaced, never changed: an old reference would see the change.
    for (const leaves of [state.copies, state.accounts, state.stores]) for (const leaf of leaves.values()) freeze(leaf);
    freeze(state.link);
    return step.effects;
  };
  tell({ type: 'started' });
  const hear = (message: DownMessage) => tell({ type: 'frame-received', message });
  return {
    tell,
    grant: (more = {}) => {
      const { byId, run, nextNumber } = state.claims;
      const waiting = [...byId.values()].filter(({ phase }) => phase === 'waiting');
      const terms = { pool: 'default', epoch: 1, leaseMs: minute, settleMs: 20 * second, ...more };
      const granted = waiting.map(({ id }) => ({ id, ...terms }));
      return hear({ type: 'permits', run, number: nextNumber - 1, granted, queued: [], refused: [] });
    },
    hear,
    announce: (announced, problem) => tell({ type: 'announced', facts: announced, problem }),
    connect: (clockOffsetMs = 0) =>
      tell({ type: 'link-opened', url: 'wss://central', clockOffsetMs, epoch: 1, policy: everything }),
    pass: ms => {
      at += ms;
    },
    setClock: byMs => {
      at += byMs;
      skew += byMs;
      ahead += Math.max(0, byMs);
    },
    state: () => state,
  };
}

/** An agent that is connected, holds `access`, and knows the fleet's login. */
export function createDelivery(access: string, current: AnnouncementFacts, more: Partial<SeenProfile> = {}): Scene {
  const scene = createScene();
  scene.tell(holds(seen(access, more)));
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(current);
  return scene;
}

function freeze(leaf: unknown): void {
  if (typeof leaf !== 'object' || leaf === null || Object.isFrozen(leaf)) return;
  Object.freeze(leaf);
  for (const part of Object.values(leaf)) freeze(part);
}

/** The effects of one kind. */
export function only<Type extends AgentEffect['type']>(
  effects: readonly AgentEffect[],
  type: Type,
): Extract<AgentEffect, { type: Type }>[] {
  return effects.filter((effect): effect is Extract<AgentEffect, { type: Type }> => effect.type === type);
}

/** The messages that are to be sent, but for signs of life. */
export function sent(effects: readonly AgentEffect[]): OutgoingMessage[] {
  return only(effects, 'send')
    .map(({ message }) => message)
    .filter(({ type }) => type !== 'beat');
}

/** The names of what is noted. */
export function notes(effects: readonly AgentEffect[]): string[] {
  return only(effects, 'note').map(({ name }) => name);
}

/** A moment that is long past for whatever waits. */
export const later = 10 * minute;
