import { reconnectDelayMs, reconnectDelayMsMax, returnDelayMs } from '@authmesh/shared/core/backoff';
import { beatIntervalMs, silenceMsMax } from '@authmesh/shared/core/heartbeat';
import { hour, second } from '@authmesh/shared/core/time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  defaults,
  facts,
  holds,
  notes,
  only,
  profile,
  type Scene,
  seen,
  store,
} from './agent-scene.ts';
import type { AgentEffect } from './effect.ts';
import type { AgentEvent } from './event.ts';
import type { LinkPhase } from './link-state.ts';

/** What an event does in a phase: the phase after it, and the kinds of effects, in order. */
type Expected = readonly [after: LinkPhase, ...effects: readonly AgentEffect['type'][]];

const everything = { allow: ['*'], deny: [] } as const;
const events: { readonly [Type in AgentEvent['type']]: Extract<AgentEvent, { type: Type }> } = {
  started: { type: 'started' },
  'store-observed': { type: 'store-observed', store, seen: { state: 'readable', profiles: [seen('1')] } },
  'write-settled': { type: 'write-settled', store, profile, outcome: { result: 'changed' } },
  'store-marked': { type: 'store-marked', store, outcome: { result: 'changed' } },
  exchanged: { type: 'exchanged', account, epoch: 1, outcome: { miss: 'unused', why: 'it is not due' } },
  'link-opened': { type: 'link-opened', url: 'wss://central', clockOffsetMs: 0, epoch: 1, policy: everything },
  'link-closed': { type: 'link-closed', reason: 'lost', message: 'gone' },
  announced: { type: 'announced', facts: facts('1', 1) },
  'frame-received': { type: 'frame-received', message: { type: 'synced' } },
  'timer-fired': { type: 'timer-fired', timer: 'dial' },
  asked: { type: 'asked', request: 1, control: { op: 'status' } },
  'health-checked': { type: 'health-checked', claim: 1, run: 1, ok: true, why: 'it ended 0' },
  'secrets-read': { type: 'secrets-read', keyEpoch: 1, readings: [] },
  configured: { type: 'configured', config: defaults },
  'clock-jumped': { type: 'clock-jumped', byMs: hour },
  'drain-requested': { type: 'drain-requested' },
};

const observed = ['note', 'remember', 'note'] as const;
const drained = ['note', 'close-link', 'clear-timer', 'clear-timer', 'stop'] as const;
const table: Record<LinkPhase, Record<AgentEvent['type'], Expected>> = {
  offline: {
    started: ['dialing', 'dial'],
    'store-observed': ['offline', ...observed],
    'write-settled': ['offline'],
    'store-marked': ['offline'],
    exchanged: ['offline'],
    'link-opened': ['offline'],
    'link-closed': ['offline', 'clear-timer', 'clear-timer', 'set-timer', 'clear-timer'],
    announced: ['offline', 'remember'],
    'frame-received': ['offline', 'note'],
    'timer-fired': ['dialing', 'dial'],
    asked: ['offline', 'reply'],
    'health-checked': ['offline'],
    'secrets-read': ['offline'],
    configured: ['offline'],
    'clock-jumped': ['dialing', 'note', 'clear-timer', 'dial'],
    'drain-requested': ['draining', ...drained],
  },
  dialing: {
    started: ['dialing'],
    'store-observed': ['dialing', ...observed],
    'write-settled': ['dialing'],
    'store-marked': ['dialing'],
    exchanged: ['dialing'],
    'link-opened': ['online', 'note', 'clear-timer', 'set-timer', 'send'],
    'link-closed': ['offline', 'note', 'clear-timer', 'clear-timer', 'set-timer', 'clear-timer'],
    announced: ['dialing', 'remember'],
    'frame-received': ['dialing', 'note'],
    'timer-fired': ['dialing'],
    asked: ['dialing', 'reply'],
    'health-checked': ['dialing'],
    'secrets-read': ['dialing'],
    configured: ['dialing'],
    'clock-jumped': ['dialing', 'note'],
    'drain-requested': ['draining', ...drained],
  },
  online: {
    started: ['online'],
    'store-observed': ['online', ...observed, 'send', 'note', 'set-timer'],
    'write-settled': ['online'],
    'store-marked': ['online'],
    exchanged: ['online'],
    'link-opened': ['online'],
    'link-closed': ['offline', 'note', 'clear-timer', 'clear-timer', 'set-timer', 'clear-timer'],
    announced: ['online', 'remember'],
    'frame-received': ['online', 'note'],
    'timer-fired': ['online'],
    asked: ['online', 'send', 'set-timer'],
    'health-checked': ['online'],
    'secrets-read': ['online'],
    configured: ['online', 'send'],
    'clock-jumped': ['online', 'note', 'send', 'set-timer'],
    'drain-requested': ['draining', ...drained],
  },
  draining: {
    started: ['draining'],
    'store-observed': ['draining', ...observed],
    'write-settled': ['draining'],
    'store-marked': ['draining'],
    exchanged: ['draining'],
    'link-opened': ['draining'],
    'link-closed': ['draining', 'clear-timer'],
    announced: ['draining', 'remember'],
    'frame-received': ['draining', 'note'],
    'timer-fired': ['draining'],
    asked: ['draining', 'reply'],
    'health-checked': ['draining'],
    'secrets-read': ['draining'],
    configured: ['draining'],
    'clock-jumped': ['draining', 'note'],
    'drain-requested': ['draining'],
  },
};

function inPhase(phase: LinkPhase): Scene {
  const scene = createScene();
  if (phase === 'online') scene.connect();
  else if (phase === 'draining') scene.tell(events['drain-requested']);
  else if (phase === 'offline') scene.tell(events['link-closed']);
  return scene;
}

const cells = Object.entries(table).flatMap(([phase, row]) =>
  Object.entries(row).map(([type, expected]) => [phase, type, expected] as const),
);

describe('the link', () => {
  it.each(cells)('%s × %s', (phase, type, [after, ...effects]) => {
    const scene = inPhase(phase as LinkPhase);
    expect(scene.state().link.phase).toBe(phase);
    const done = scene.tell(events[type as AgentEvent['type']]);
    expect([scene.state().link.phase, ...done.map(effect => effect.type)]).toEqual([after, ...effects]);
  });

  it('waits for any time up to a ceiling that doubles', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer(), (attempt, seed) => {
        const delayMs = reconnectDelayMs(attempt, seed);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThan(Math.min(reconnectDelayMsMax, 250 * 2 ** Math.min(attempt, 16)));
      }),
    );
  });

  it('comes again when a full coordinator said, not when its own back-off would', () => {
    const scene = createScene();
    const turnedAway = { type: 'link-closed', reason: 'tooManyPeers', message: 'full', retryAfterMs: 4_321 } as const;
    const [timer] = only(scene.tell(turnedAway), 'set-timer');
    expect(timer).toEqual({ type: 'set-timer', timer: 'dial', delayMs: returnDelayMs(1, 1, turnedAway) });
    expect(timer?.delayMs).toBeGreaterThanOrEqual(4_321);
  });

  it('tries the coordinators in turn, and each attempt waits longer than the last one may', () => {
    const scene = createScene({ coordinators: ['wss://one', 'wss://two', 'wss://three'] });
    const dialled = [scene.state().link.url];
    for (let attempt = 1; attempt <= 5; attempt++) {
      const [timer] = only(scene.tell(events['link-closed']), 'set-timer');
      expect(timer).toEqual({ type: 'set-timer', timer: 'dial', delayMs: reconnectDelayMs(attempt, 1) });
      dialled.push(...only(scene.tell(events['timer-fired']), 'dial').map(({ url }) => url));
    }
    expect(dialled).toEqual(['wss://one', 'wss://two', 'wss://three', 'wss://one', 'wss://two', 'wss://three']);
  });

  it('notes the first failure alone', () => {
    const scene = createScene();
    const noted = [1, 2, 3].map(() => {
      const names = notes(scene.tell({ type: 'link-closed', reason: 'unreachable', message: 'nobody answers' }));
      scene.tell(events['timer-fired']);
      return names;
    });
    expect(noted).toEqual([['link-lost'], [], []]);
    expect(scene.state().link.problem).toBe('nobody answers');
  });

  it('is in no haste after a refusal', () => {
    const scene = createScene({}, [], 123);
    const effects = scene.tell({ type: 'link-closed', reason: 'unknownNode', message: 'not a member' });
    expect(notes(effects)).toEqual(['link-refused']);
    expect(only(effects, 'set-timer')).toEqual([
      { type: 'set-timer', timer: 'dial', delayMs: reconnectDelayMs(7, 123) },
    ]);
  });

  it('comes back at the moment that it was sent away with, once', () => {
    const scene = createScene();
    scene.connect();
    scene.hear({ type: 'drain', notBeforeMs: 4_321 });
    const closed = { type: 'link-closed', reason: 'draining', message: 'stopping' } as const;
    expect(only(scene.tell(closed), 'set-timer')[0]?.delayMs).toBe(4_321);
    scene.tell(events['timer-fired']);
    expect(only(scene.tell(closed), 'set-timer')[0]?.delayMs).toBeLessThan(1_000);
  });

  it('counts on until the coordinator has answered in full: a link that is dropped at once is tried ever more slowly', () => {
    const scene = createScene();
    for (let attempt = 1; attempt <= 6; attempt++) {
      scene.connect();
      const [timer] = only(scene.tell(events['link-closed']), 'set-timer');
      expect(timer?.delayMs).toBe(reconnectDelayMs(attempt, 1));
      scene.tell(events['timer-fired']);
    }
    scene.connect();
    scene.hear({ type: 'synced' });
    const [timer] = only(scene.tell(events['link-closed']), 'set-timer');
    expect(timer?.delayMs).toBe(reconnectDelayMs(1, 1));
  });

  it('gives signs of life, and hangs up when there is none from the other side', () => {
    const scene = createScene();
    expect(only(scene.connect(), 'set-timer')).toContainEqual({
      type: 'set-timer',
      timer: 'beat',
      delayMs: beatIntervalMs,
    });
    scene.pass(silenceMsMax);
    const beat = { type: 'timer-fired', timer: 'beat' } as const;
    expect(scene.tell(beat).map(effect => effect.type)).toEqual(['send', 'set-timer']);
    scene.pass(1);
    expect(scene.tell(beat).map(effect => effect.type)).toEqual(['close-link']);
    scene.hear({ type: 'beat', at: 0 });
    expect(scene.tell(beat).map(effect => effect.type)).toEqual(['send', 'set-timer']);
  });

  it('asks for an answer after a wake, and hangs up without one', () => {
    const scene = createScene();
    scene.connect();
    scene.pass(8 * hour);
    expect(only(scene.tell({ type: 'clock-jumped', byMs: 8 * hour }), 'set-timer')).toEqual([
      { type: 'set-timer', timer: 'silence', delayMs: 5 * second },
    ]);
    expect(scene.hear({ type: 'beat', at: 0 })).toContainEqual({ type: 'clear-timer', timer: 'silence' });
    expect(scene.tell({ type: 'timer-fired', timer: 'silence' })).toMatchObject([{ type: 'close-link' }]);
  });

  it('learns the coordinator’s clock, and does not correct what is the network’s own delay', () => {
    const scene = createScene();
    scene.connect(29 * second);
    expect(scene.state().clockOffsetMs).toBe(0);
    scene.hear({ type: 'beat', at: 0 });
    expect(scene.state().clockOffsetMs).toBeGreaterThan(hour);
  });

  it('goes to another coordinator when the configuration names others, at once when it waits', () => {
    const moved = { type: 'configured', config: { ...defaults, coordinators: ['wss://new'] } } as const;
    const online = createScene();
    online.connect();
    expect(only(online.tell(moved), 'close-link')).toHaveLength(1);
    const waiting = createScene();
    waiting.tell({ type: 'link-closed', reason: 'unknownNode', message: 'not a member' });
    expect(only(waiting.tell(moved), 'dial')).toEqual([{ type: 'dial', url: 'wss://new' }]);
    const without = createScene({ coordinators: [] });
    expect(only(without.tell(moved), 'dial')).toEqual([{ type: 'dial', url: 'wss://new' }]);
  });

  it('starts nothing new while it stops', () => {
    const scene = createScene();
    scene.announce(facts('1', 1));
    scene.tell(events['drain-requested']);
    const effects = scene.tell({ type: 'asked', request: 1, control: { op: 'adopt', profiles: [], store } });
    expect(only(effects, 'create-profile')).toEqual([]);
    expect(only(effects, 'reply')).toEqual([
      expect.objectContaining({
        reply: { op: 'adopt', adopted: [], problems: [{ login: profile, reason: 'the agent is stopping; try again' }] },
      }),
    ]);
    expect(only(scene.tell(holds(seen('2'))), 'send')).toEqual([]);
  });
});
