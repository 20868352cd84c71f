import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { type NoteName, noteCatalogue } from '@authmesh/shared/core/notes';
import { describe, expect, it } from 'vitest';
import { realCores, run } from './run.ts';
import type { Cores } from './world/world.ts';

const seeds = 100;
const nodes = 50;
const minutes = 15;

function replay(seed: number): string {
  return `npm run simulate -- --seed ${seed} --nodes ${nodes} --minutes ${minutes} --replay`;
}

describe('the machines in a world that goes wrong', () => {
  it(`${seeds} seeds of ${nodes} nodes keep every invariant and end well`, { timeout: 300_000 }, () => {
    const reached = new Set<NoteName>();
    for (let seed = 1; seed <= seeds; seed++) {
      const result = run({ seed, nodes, minutes });
      for (const name of result.notes.keys()) reached.add(name);
      expect(result.failure, replay(seed)).toBeUndefined();
    }
    // What no seed reaches is not tested here.
    const expected: readonly NoteName[] = [
      'credential-stale',
      'credential-parallel',
      'credential-unlinked',
      'conflict-settled',
      'credential-unfit',
      'store-quarantined',
      'store-recovered',
      'profile-left',
      'write-failed',
      'write-postponed',
      'persist-failed',
      'epoch-raised',
      'node-joined',
      'node-refused',
      'clock-jumped',
      'draining',
      'permit-lost',
      'permit-lapsed',
      'hold-placed',
      'hold-lifted',
      'sessions-failed',
      'refresh-taken',
      'delivery-overwritten',
    ];
    expect(expected.filter(name => !reached.has(name))).toEqual([]);
    expect([...reached].every(name => name in noteCatalogue)).toBe(true);
  });

  it('a seed gives the same run every time', { timeout: 60_000 }, () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const first = run({ seed, nodes: 20, minutes: 10 });
      const second = run({ seed, nodes: 20, minutes: 10 });
      expect(second.hash).toBe(first.hash);
      expect(second.steps).toBe(first.steps);
    }
    expect(run({ seed: 1, nodes: 20, minutes: 10 }).hash).not.toBe(run({ seed: 2, nodes: 20, minutes: 10 }).hash);
  });
});

/** Runs seeds until a checker speaks; a checker that never does is worth nothing. */
function caught(cores: Cores, world = { seeds: 30, nodes: 12, minutes: 10 }): string | undefined {
  for (let seed = 1; seed <= world.seeds; seed++) {
    const { failure } = run({ seed, nodes: world.nodes, minutes: world.minutes, cores });
    if (failure) return failure.invariant;
  }
  return undefined;
}

function withAgentEffects(change: (effect: AgentEffect) => AgentEffect): Cores {
  return {
    ...realCores,
    agent: (state, input) => {
      const step = realCores.agent(state, input);
      return { state: step.state, effects: step.effects.map(change) };
    },
  };
}

describe('a broken machine is caught', () => {
  it('an agent that gives every store the refresh token (I9)', { timeout: 60_000 }, () => {
    const generous = withAgentEffects(effect =>
      effect.type === 'write-credential' ? { ...effect, form: 'full' } : effect,
    );
    expect(caught(generous)).toBe('I9');
  });

  it('an agent that takes a refresh without an answer for one that was never sent (I12)', { timeout: 60_000 }, () => {
    const hopeful: Cores = {
      ...realCores,
      agent: (state, input) => {
        const { event } = input;
        const isLost = event.type === 'exchanged' && 'miss' in event.outcome && event.outcome.miss === 'unanswered';
        const told = isLost ? { ...event, outcome: { miss: 'unused', why: 'it was never sent' } as const } : event;
        return realCores.agent(state, { ...input, event: told });
      },
    };
    expect(caught(hopeful, { seeds: 60, nodes: 8, minutes: 40 })).toBe('I12');
  });

  it('an agent that delivers the first login it ever heard of (I1)', { timeout: 60_000 }, () => {
    const nostalgic: Cores = {
      ...realCores,
      agent: (state, input) => {
        const { event } = input;
        const key = event.type === 'announced' ? `${state.self.node} ${event.facts.account}` : '';
        if (event.type === 'announced' && !firsts.has(key)) firsts.set(key, event.facts.access);
        const step = realCores.agent(state, input);
        const effects = step.effects.map(effect => {
          if (effect.type !== 'write-credential') return effect;
          const access = firsts.get(`${state.self.node} ${effect.account}`) ?? effect.access;
          return { ...effect, access, refresh: undefined, form: 'bearer' as const };
        });
        return { state: step.state, effects };
      },
    };
    const firsts = new Map<string, Fingerprint>();
    expect(caught(nostalgic)).toBe('I1');
  });

  it('an agent that never delivers (liveness)', { timeout: 60_000 }, () => {
    const idle = withAgentEffects(effect =>
      effect.type === 'write-credential' ? { type: 'note', name: 'write-postponed' } : effect,
    );
    expect(caught(idle)).toMatch(/^L/);
  });

  it('an agent that applies announcements in any order (I3)', { timeout: 60_000 }, () => {
    const forgetful: Cores = {
      ...realCores,
      agent: (state, input) => {
        if (input.event.type === 'announced') state.accounts.delete(input.event.facts.account);
        return realCores.agent(state, input);
      },
    };
    const disorderly: Cores = {
      ...forgetful,
      coordinator: (state, input) => {
        const step = realCores.coordinator(state, input);
        return {
          state: step.state,
          effects: step.effects.map(effect =>
            effect.type === 'announce' && effect.announcement.position.revision > 2
              ? { ...effect, announcement: { ...effect.announcement, position: { epoch: 1, revision: 1 } } }
              : effect,
          ),
        };
      },
    };
    expect(caught(disorderly)).toBe('I3');
  });

  it('a coordinator that announces before the store has answered (I2)', { timeout: 60_000 }, () => {
    const hasty: Cores = {
      ...realCores,
      coordinator: (state, input) => {
        const step = realCores.coordinator(state, input);
        const early = step.effects.flatMap(effect => {
          if (effect.type !== 'compare-and-set' || !effect.key.startsWith('account/')) return [];
          const entry = [...step.state.accounts.values()].find(({ pending }) => pending?.record === effect.value);
          const current = entry?.pending?.record.current;
          if (!entry || !current || !entry.pending?.announces) return [];
          const { account, kind, profile } = entry.record;
          const { acceptedAt: _, why: __, ...revision } = current;
          const announcement = { type: 'announce' as const, account, kind, profile, restored: false, ...revision };
          return [{ type: 'announce' as const, announcement, links: 'all' as const }];
        });
        return { state: step.state, effects: [...early, ...step.effects] };
      },
    };
    expect(caught(hasty)).toBe('I2');
  });

  it('an agent that delivers into what it has set aside (I7)', { timeout: 60_000 }, () => {
    const careless: Cores = {
      ...realCores,
      agent: (state, input) => {
        if (input.event.type !== 'store-observed' || input.event.seen.state !== 'quarantined')
          return realCores.agent(state, input);
        const copy = [...state.copies.values()].find(
          ({ store, seen }) => store === (input.event as { store?: string }).store && seen,
        );
        const step = realCores.agent(state, input);
        if (!copy?.seen?.access) return step;
        const { store, profile, account, seen } = copy;
        const expected = { access: seen.access, refresh: seen.refresh };
        const access = copy.seen.access;
        const write = {
          type: 'write-credential',
          store,
          profile,
          account,
          expected,
          access,
          expiresAt: null,
          form: 'bearer',
        } as const;
        return { state: step.state, effects: [...step.effects, write] };
      },
    };
    expect(caught(careless)).toBe('I7');
  });

  it('a coordinator that takes a lost permit for one that was given back (I11)', { timeout: 60_000 }, () => {
    const trusting: Cores = {
      ...realCores,
      coordinator: (state, input) => {
        for (const pool of state.pools.pools.values()) {
          for (const [key, permit] of pool.permits) {
            if (state.nodes.get(permit.node)?.link !== undefined) continue;
            pool.permits.delete(key);
            pool.active -= permit.sessions;
          }
        }
        return realCores.coordinator(state, input);
      },
    };
    expect(caught(trusting, { seeds, nodes, minutes })).toBe('I11');
  });

  it('a coordinator that has no barrier after its start (I11)', { timeout: 60_000 }, () => {
    const hasty: Cores = {
      ...realCores,
      coordinator: (state, input) => {
        state.pools.barrierUntil = 0;
        return realCores.coordinator(state, input);
      },
    };
    expect(caught(hasty, { seeds, nodes, minutes })).toBe('I11');
  });

  it('an agent that lets those go at once whom it holds back (I11)', { timeout: 60_000 }, () => {
    const impatient: Cores = {
      ...realCores,
      agent: (state, input) => {
        const step = realCores.agent(state, input);
        const lifts = step.effects.flatMap(effect =>
          effect.type === 'mark-store' && effect.hold ? [{ type: 'mark-store' as const, store: effect.store }] : [],
        );
        return { state: step.state, effects: [...step.effects, ...lifts] };
      },
    };
    expect(caught(impatient, { seeds, nodes, minutes })).toBe('I11');
  });

  it('an agent that lets a secret into its effects (I5)', { timeout: 60_000 }, () => {
    const leaky = withAgentEffects(effect =>
      effect.type === 'note' && effect.name === 'credential-written' ? { ...effect, why: 'SECRET~1.1.access' } : effect,
    );
    expect(caught(leaky)).toBe('I5');
  });
});
