import { appendFile, mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Input, Step } from '@authmesh/shared/core/machine';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createDriver } from './driver.ts';
import { createInputJournal, journalFiles, replay } from './input-journal.ts';
import { decodePlain, encodePlain } from './plain-text.ts';

interface State {
  readonly sums: Map<string, number>;
  readonly seen: Set<number>;
}
type Event = { readonly type: 'count'; readonly name: string };

function transition(state: State, { event, seed, at }: Input<Event>): Step<State, string> {
  state.sums.set(event.name, (state.sums.get(event.name) ?? 0) + (seed % 7));
  state.seen.add(at % 10);
  return { state, effects: [`${event.name}=${state.sums.get(event.name)}`] };
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authmesh-journal-'));
});

function run(name: string, count: number, bytesMax = 4_096) {
  const effects: string[] = [];
  const onTrouble = vi.fn();
  const journal = createInputJournal<State, Event>({ directory, run: name, segmentBytesMax: bytesMax, onTrouble });
  let clock = 5_000;
  const driver = createDriver<State, Event, string>({
    transition,
    state: { sums: new Map(), seen: new Set() },
    execute: effect => void effects.push(effect),
    now: () => clock++,
    elapsed: () => 0,
    drawSeed: () => clock * 31,
    onInput: journal.record,
    onCrash: error => {
      throw error;
    },
  });
  for (let index = 0; index < count; index++) driver.dispatch({ type: 'count', name: `n${index % 5}` });
  journal.close();
  return { effects, state: driver.state, onTrouble };
}

describe('plain text', () => {
  it('keeps every plain value, maps, sets and keys with a dollar sign', () => {
    const plain = fc.letrec<{ value: unknown }>(tie => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$map', '$object', '__proto__')), tie('value'), {
          maxKeys: 4,
        }),
        fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map(entries => new Map(entries)),
        fc.array(fc.string(), { maxLength: 4 }).map(entries => new Set(entries)),
      ),
    })).value;
    fc.assert(
      fc.property(plain, value => {
        const text = encodePlain(value);
        expect(encodePlain(decodePlain(text))).toBe(text);
      }),
    );
    expect(decodePlain(encodePlain({ a: new Map([['k', new Set([Infinity])]]), $b: 1 }))).toEqual({
      a: new Map([['k', new Set([Infinity])]]),
      $b: 1,
    });
  });

  it('refuses what is not plain data', () => {
    expect(() => encodePlain({ a: new URL('http://localhost') })).toThrow('URL is not plain data');
  });
});

describe('input journal', () => {
  it('replays a short run to the same state and effects', () => {
    const { effects, state } = run('first', 20);
    const replayed = replay(journalFiles(directory), transition);
    expect(replayed?.steps.flatMap(step => step.effects)).toEqual(effects);
    expect(replayed?.state).toEqual(state);
    expect(replayed?.consistent).toBe(true);
  });

  it('stays within its bound and still ends in the same state', async () => {
    const { effects, state } = run('first', 1_000);
    const replayed = replay(journalFiles(directory), transition);
    expect(replayed?.state).toEqual(state);
    expect(replayed?.consistent).toBe(true);
    const steps = replayed?.steps.flatMap(step => step.effects) ?? [];
    expect(steps.length).toBeLessThan(200);
    expect(steps).toEqual(effects.slice(-steps.length));
    for (const file of journalFiles(directory)) {
      const { size, mode } = await stat(file);
      expect(size).toBeLessThan(2 * 4_096);
      expect(mode & 0o777).toBe(0o600);
    }
  });

  it('keeps the run before a restart until it is full, and never mixes two runs', () => {
    run('first', 20);
    const { state } = run('second', 3);
    const replayed = replay(journalFiles(directory), transition);
    expect(replayed?.steps).toHaveLength(3);
    expect(replayed?.state).toEqual(state);
    const [, older] = journalFiles(directory);
    expect(replay([older], transition)?.steps).toHaveLength(20);
  });

  it('leaves out a torn last line and survives garbage', async () => {
    run('first', 5);
    const [even, odd] = journalFiles(directory);
    await appendFile(odd, '{"at":1,"se');
    await writeFile(even, 'garbage\n');
    expect(replay([even, odd], transition)?.steps).toHaveLength(5);
    expect(replay([even], transition)).toBeUndefined();
    expect(replay([join(directory, 'none')], transition)).toBeUndefined();
  });

  it('notices that the rules have changed since', () => {
    run('first', 1_000);
    const changed = (state: State, input: Input<Event>) => transition(state, { ...input, seed: input.seed + 1 });
    expect(replay(journalFiles(directory), changed)?.consistent).toBe(false);
  });

  it('says once that the disk does not take it and lets the program go on', () => {
    const missing = join(directory, 'gone');
    const onTrouble = vi.fn();
    const journal = createInputJournal<State, Event>({ directory: missing, run: 'x', onTrouble });
    const state: State = { sums: new Map(), seen: new Set() };
    for (let at = 0; at < 3; at++)
      journal.record({ at, elapsed: 0, awake: 0, seed: 1, event: { type: 'count', name: 'a' } }, state);
    journal.close();
    expect(onTrouble).toHaveBeenCalledTimes(1);
  });
});
