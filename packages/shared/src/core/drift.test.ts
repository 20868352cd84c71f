import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareReadings, type PlacedReading } from './drift.ts';
import type { Fingerprint } from './identifiers.ts';
import type { Found, SecretForm } from './secret-reading.ts';

const print = (digit: string) => digit.repeat(32) as Fingerprint;
const value = (digit: string, ...forms: readonly SecretForm[]): Found => ({
  state: 'read',
  exact: print(forms.length === 0 ? digit : `${forms.length}`),
  loose: print(digit),
  forms,
});
const reading = (at: string, found: Found, more: Partial<PlacedReading> = {}): PlacedReading => ({
  source: '.env',
  kind: 'stored',
  at,
  since: 100,
  found,
  ...more,
});
const gone: Found = { state: 'missing' };
const locked: Found = { state: 'unreadable', why: 'permission denied' };

describe('compareReadings', () => {
  it('calls equal what was looked at in two places at least', () => {
    const drift = compareReadings([
      reading('pc-a', value('a')),
      reading('vps', value('a')),
      reading('mac', value('a')),
    ]);
    expect(drift).toMatchObject({ state: 'equal', since: null, compared: 3, declared: 3, variants: [] });
    expect(drift.groups).toEqual([
      { fingerprint: print('a'), places: ['pc-a', 'vps', 'mac'], count: 3, forms: [], isMinority: false },
    ]);
    expect(compareReadings([reading('pc-a', value('a'))])).toMatchObject({ state: 'alone', compared: 1, declared: 1 });
  });

  it('names the minority, and since when it differs', () => {
    const changed = reading('vps', value('b'), { since: 700 });
    const drift = compareReadings([reading('pc-a', value('a')), changed, reading('mac', value('a'), { since: 300 })]);
    expect(drift).toMatchObject({ state: 'differs', since: 700 });
    expect(drift.groups.map(({ places, isMinority }) => [places, isMinority])).toEqual([
      [['pc-a', 'mac'], false],
      [['vps'], true],
    ]);
  });

  it('knows no minority among two against two', () => {
    const four = [
      reading('a', value('a')),
      reading('b', value('a')),
      reading('c', value('b')),
      reading('d', value('b')),
    ];
    expect(compareReadings(four).groups.map(({ isMinority }) => isMinority)).toEqual([false, false]);
  });

  it('counts a process that has another value than what is stored beside it as stale, and as nothing else', () => {
    const process = reading('vps', value('a'), { kind: 'process', source: 'process app', since: 50 });
    const drift = compareReadings([reading('pc-a', value('b')), reading('vps', value('b')), process]);
    expect(drift).toMatchObject({ state: 'differs', stale: [process], since: 50, compared: 3 });
    expect(drift.groups).toHaveLength(1);
  });

  it('takes a process for the place where nothing is stored', () => {
    const process = reading('vps', value('b'), { kind: 'process' });
    expect(compareReadings([reading('pc-a', value('a')), process])).toMatchObject({ state: 'differs', stale: [] });
    const quoted = reading('vps', value('a', 'quotes'));
    const bare = reading('vps', value('a'), { kind: 'process' });
    expect(compareReadings([quoted, bare])).toMatchObject({ state: 'equal', stale: [] });
  });

  it('names what alone makes variants of one value', () => {
    const drift = compareReadings([reading('pc-a', value('a')), reading('vps', value('a', 'quotes'))]);
    expect(drift).toMatchObject({ state: 'differs', variants: ['quotes'] });
    const padded = [value('a', 'white space'), { ...value('a', 'white space'), exact: print('9') }];
    expect(compareReadings(padded.map((found, index) => reading(`${index}`, found))).variants).toEqual(['white space']);
    const other = compareReadings([reading('pc-a', value('b')), reading('vps', value('a', 'quotes'))]);
    expect(other.variants).toEqual([]);
  });

  it('calls nothing equal that was not looked at (I13)', () => {
    const equal = [reading('pc-a', value('a')), reading('mac', value('a'))];
    expect(compareReadings([...equal, reading('vps', locked)])).toMatchObject({
      state: 'unreadable',
      compared: 2,
      declared: 3,
    });
    expect(compareReadings([...equal, reading('vps', gone), reading('old', locked)])).toMatchObject({
      state: 'missing',
      compared: 3,
      declared: 4,
      since: 100,
    });
  });

  it('does not depend on the order of what it compares', () => {
    const found = fc.oneof(
      fc.constantFrom('a', 'b', 'c').map(digit => value(digit)),
      fc.constant(value('a', 'quotes')),
      fc.constant(gone),
      fc.constant(locked),
    );
    const readings = fc.array(
      fc.record({ at: fc.constantFrom('x', 'y', 'z'), found, since: fc.nat(9), process: fc.boolean() }),
      { minLength: 1, maxLength: 8 },
    );
    const summary = (list: readonly PlacedReading[]) => {
      const { stale, missing, unreadable, ...rest } = compareReadings(list);
      return {
        ...rest,
        groups: rest.groups.map(({ forms: _, places, ...group }) => ({ ...group, places: places.toSorted() })),
        stale: stale.length,
      };
    };
    fc.assert(
      fc.property(readings, fc.nat(), (made, turn) => {
        const list = made.map(({ at, found: one, since, process }) =>
          reading(at, one, { since, kind: process ? 'process' : 'stored' }),
        );
        const cut = turn % list.length;
        const turned = [...list.slice(cut), ...list.slice(0, cut)].toReversed();
        expect(summary(turned)).toEqual(summary(list));
        const looked = list.filter(({ found: { state } }) => state !== 'unreadable').length;
        expect(summary(list).compared).toBe(looked);
        if (summary(list).state === 'equal') expect([looked, looked > 1]).toEqual([list.length, true]);
      }),
    );
  });
});
