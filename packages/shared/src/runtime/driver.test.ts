import type { Input, Step } from '@authmesh/shared/core/machine';
import { describe, expect, it, vi } from 'vitest';
import { createDriver } from './driver.ts';

type Event = { readonly type: 'add'; readonly name: string } | { readonly type: 'fail' };
type Effect = { readonly type: 'save' | 'tell'; readonly name: string };

function transition(state: readonly string[], { event }: Input<Event>): Step<readonly string[], Effect> {
  if (event.type === 'fail') throw new Error('broken rule');
  return {
    state: [...state, event.name],
    effects: [
      { type: 'save', name: event.name },
      { type: 'tell', name: event.name },
    ],
  };
}

function build(execute: (effect: Effect) => void | Promise<void>, onCrash: (error: unknown) => void = vi.fn()) {
  let seed = 0;
  const inputs: Input<Event>[] = [];
  const driver = createDriver<readonly string[], Event, Effect>({
    transition,
    state: [],
    execute,
    now: () => 1_000,
    elapsed: () => 0,
    drawSeed: () => seed++,
    onInput: (input, before) => {
      inputs.push(input);
      expect(before).toHaveLength(inputs.length - 1);
    },
    onCrash,
  });
  return { driver, inputs };
}

describe('driver', () => {
  it('does the effects of a step in order, at once when nothing is pending', () => {
    const done: string[] = [];
    const { driver } = build(effect => void done.push(`${effect.type} ${effect.name}`));
    driver.dispatch({ type: 'add', name: 'a' });
    driver.dispatch({ type: 'add', name: 'b' });
    expect(done).toEqual(['save a', 'tell a', 'save b', 'tell b']);
    expect(driver.state).toEqual(['a', 'b']);
  });

  it('queues an event that an effect dispatches behind the current step', () => {
    const done: string[] = [];
    const { driver, inputs } = build(effect => {
      done.push(`${effect.type} ${effect.name}`);
      if (effect.type === 'save' && effect.name === 'a') driver.dispatch({ type: 'add', name: 'b' });
    });
    driver.dispatch({ type: 'add', name: 'a' });
    expect(done).toEqual(['save a', 'tell a', 'save b', 'tell b']);
    expect(inputs.map(input => input.seed)).toEqual([0, 1]);
  });

  it('lets later effects wait for a pending one while transitions go on', async () => {
    const done: string[] = [];
    const releases: (() => void)[] = [];
    const { driver } = build(effect => {
      done.push(`${effect.type} ${effect.name}`);
      return effect.type === 'save' ? new Promise(resolve => releases.push(resolve)) : undefined;
    });
    driver.dispatch({ type: 'add', name: 'a' });
    driver.dispatch({ type: 'add', name: 'b' });
    expect(driver.state).toEqual(['a', 'b']);
    expect(done).toEqual(['save a']);
    releases.shift()?.();
    await vi.waitFor(() => expect(done).toEqual(['save a', 'tell a', 'save b']));
    const settled = driver.settled();
    releases.shift()?.();
    await settled;
    expect(done).toEqual(['save a', 'tell a', 'save b', 'tell b']);
  });

  it('keeps order through thousands of effects behind a slow one', async () => {
    const told: string[] = [];
    const { driver } = build(async effect => void (effect.type === 'tell' && told.push(effect.name)));
    const names = Array.from({ length: 3_000 }, (_, index) => String(index));
    for (const name of names) driver.dispatch({ type: 'add', name });
    await driver.settled();
    expect(told).toEqual(names);
  });

  it.each([
    ['a throwing transition', () => undefined, { type: 'fail' } as const, 'broken rule'],
    [
      'a throwing effect',
      () => {
        throw new Error('broken effect');
      },
      { type: 'add', name: 'a' } as const,
      'broken effect',
    ],
    [
      'a rejecting effect',
      () => Promise.reject(new Error('broken later')),
      { type: 'add', name: 'a' } as const,
      'broken later',
    ],
  ])('reports %s once and does nothing more', async (_name, execute, event, message) => {
    const onCrash = vi.fn();
    const { driver, inputs } = build(execute, onCrash);
    driver.dispatch(event);
    await vi.waitFor(() => expect(onCrash).toHaveBeenCalledTimes(1));
    expect(onCrash.mock.calls[0]?.[0]).toMatchObject({ message });
    const before = inputs.length;
    driver.dispatch({ type: 'add', name: 'late' });
    expect(inputs).toHaveLength(before);
    expect(onCrash).toHaveBeenCalledTimes(1);
  });
});
