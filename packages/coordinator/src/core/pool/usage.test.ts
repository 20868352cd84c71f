import type { AccountId, NodeId, ProfileId } from '@authmesh/shared/core/identifiers';
import { day, hour, type Instant, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import type { CoordinatorEffect } from '../effect.ts';
import { type UsageRecord, usageKey } from '../record.ts';
import { createCoordinatorState } from '../stored-state.ts';
import { poolOf } from './pool.ts';
import { countStart, startsLeft } from './starts.ts';
import type { PoolTerms } from './terms.ts';
import { observedOf, restoreStarts, sampleUsage, sessionsRunning, startsCounted, storeUsage } from './usage.ts';

const start: Instant = 20_000 * day;
const terms = [{ name: 'web', match: ['openai*'], limit: 4, settleMs: 0 }];
const account = 'oauth:openai/acct_1' as AccountId;
const profile = 'openai:default' as ProfileId;
const nodes = ['a', 'b'].map(letter => letter.repeat(32) as NodeId);
const nothing = { fleet: undefined, nodes: [], invites: [], accounts: [], policy: { allow: ['*'], deny: [] } };

/** A coordinator whose nodes say, minute by minute, how many of their sessions are at work. */
function createWatch(stored?: { readonly record: UsageRecord; readonly storeRevision: number }) {
  const state = createCoordinatorState({ ...nothing, poolTerms: terms, usage: stored });
  let at = start;
  const effects: CoordinatorEffect[] = [];
  return {
    state,
    effects,
    observed: () => observedOf(state.usage, 'web', at),
    minute(...sessions: readonly number[]) {
      at += minute;
      state.elapsed += minute;
      for (const [index, count] of sessions.entries()) {
        const node = nodes[index];
        const running = count > 0 ? [{ account, profile, sessions: count }] : [];
        if (node) sessionsRunning(state.usage, terms, node, running, state.elapsed);
      }
      state.at = at;
      sampleUsage(state, effects);
    },
    /** The wall clock is set. */
    set(byMs: number) {
      at += byMs;
    },
    pass(ms: number) {
      at += ms;
      state.elapsed += ms;
    },
  };
}

describe('what was seen of a pool in use', () => {
  it('is nothing before anything was', () => {
    const watch = createWatch();
    watch.minute(0, 0);
    expect(watch.observed()).toBeUndefined();
  });

  it('adds up the nodes of a minute, and leaves out minutes in which nobody works', () => {
    const watch = createWatch();
    for (let minutes = 0; minutes < 90; minutes++) watch.minute(1, 1);
    for (let minutes = 0; minutes < 9; minutes++) watch.minute(3, 2);
    watch.minute(6, 4);
    for (let minutes = 0; minutes < 50; minutes++) watch.minute(0, 0);
    expect(watch.observed()).toEqual({ p50: 2, p95: 5, peak: 10, days: 1 });
  });

  it('does not count a node that has said nothing for a minute', () => {
    const watch = createWatch();
    watch.minute(4, 1);
    watch.pass(minute);
    watch.minute();
    expect(watch.observed()).toMatchObject({ peak: 5 });
    watch.minute(2);
    expect(watch.observed()).toMatchObject({ p50: 2, peak: 5 });
  });

  it('is of the last thirty days', () => {
    const watch = createWatch();
    watch.minute(9);
    watch.pass(29 * day);
    watch.minute(2);
    expect(watch.observed()).toMatchObject({ peak: 9, days: 2 });
    watch.pass(day);
    watch.minute(3);
    expect(watch.observed()).toMatchObject({ peak: 3, days: 2 });
  });

  it('is forgotten after thirty days in which nothing was', () => {
    const watch = createWatch();
    watch.minute(9);
    watch.pass(30 * day);
    watch.minute(0);
    expect(watch.observed()).toBeUndefined();
  });

  it('outlives a time in which the clock was ahead', () => {
    const watch = createWatch();
    watch.minute(9);
    watch.set(400 * day);
    watch.minute(40);
    watch.set(-400 * day);
    watch.minute(2);
    expect(watch.observed()).toMatchObject({ p50: 2, peak: 9, days: 1 });
  });

  it('outlives a host that starts in 1970', () => {
    const watch = createWatch();
    for (let days = 0; days < 30; days++) {
      watch.minute(9);
      watch.pass(day);
    }
    watch.set(-19_000 * day);
    watch.minute(1);
    watch.set(19_000 * day);
    watch.minute(2);
    expect(watch.observed()).toMatchObject({ p50: 9, peak: 9 });
    expect(watch.observed()?.days).toBeGreaterThanOrEqual(29);
  });

  it('is told to the store every ten minutes, and known again after a restart', () => {
    const watch = createWatch();
    for (let minutes = 0; minutes < 10; minutes++) watch.minute(2, 3);
    expect(watch.effects).toMatchObject([{ type: 'compare-and-set', key: usageKey, expected: 0 }]);
    const [written] = watch.effects;
    if (written?.type !== 'compare-and-set') throw new Error('nothing was written');
    const after = createWatch({ record: written.value as UsageRecord, storeRevision: 7 });
    expect(after.observed()).toEqual({ p50: 5, p95: 5, peak: 5, days: 1 });
    after.minute(1);
    storeUsage(after.state, after.effects);
    expect(after.effects).toMatchObject([{ expected: 7 }]);
  });

  it('keeps the starts of a day for the next coordinator, where a pool bounds them', () => {
    const bounded = terms.map(one => ({ ...one, startsPerDay: 6 }));
    const create = (stored?: { readonly record: UsageRecord; readonly storeRevision: number }) => {
      const state = createCoordinatorState({ ...nothing, poolTerms: bounded, usage: stored });
      state.at = start;
      restoreStarts(state);
      const web = bounded[0];
      if (!web) throw new Error('there is one pool');
      return { state, web, pool: poolOf(state.pools, web) };
    };
    const first = create();
    countStart(first.pool.starts, first.web, 4, 0);
    const effects: CoordinatorEffect[] = [];
    startsCounted(first.state, effects);
    const [written] = effects;
    if (written?.type !== 'compare-and-set') throw new Error('nothing was written');
    const second = create({ record: written.value as UsageRecord, storeRevision: 1 });
    expect(startsLeft(second.pool.starts, second.web, 0)).toBe(2);
    expect(startsLeft(second.pool.starts, second.web, 25 * hour)).toBe(6);
  });

  it('keeps them for as long whatever restarts there are', () => {
    const bounded = { ...terms[0], startsPerDay: 6 } as PoolTerms;
    let stored: { readonly record: UsageRecord; readonly storeRevision: number } | undefined;
    for (let restart = 0; restart < 40; restart++) {
      const state = createCoordinatorState({ ...nothing, poolTerms: [bounded], usage: stored });
      state.at = start + restart * 2 * minute;
      restoreStarts(state);
      const { starts } = poolOf(state.pools, bounded);
      if (restart === 0) countStart(starts, bounded, 6, 0);
      expect(startsLeft(starts, bounded, 0)).toBe(0);
      state.at += 2 * minute;
      state.elapsed = 2 * minute;
      const effects: CoordinatorEffect[] = [];
      startsCounted(state, effects);
      const [written] = effects;
      if (written?.type !== 'compare-and-set') throw new Error('nothing was written');
      stored = { record: written.value as UsageRecord, storeRevision: restart };
    }
  });

  it('stays bounded whatever a day brings', () => {
    const watch = createWatch();
    for (let count = 1; count <= 1_440; count++) watch.minute(count);
    expect(watch.observed()?.peak).toBe(1_500);
    expect(watch.state.usage.days[0]?.pools.get('web')?.size).toBe(99 + 90 + 6);
  });
});
