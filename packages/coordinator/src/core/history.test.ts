import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { account, founder, guest, print, profile, sealedOf, start } from './coordinator-scene.ts';
import { historyEntriesMax, historyRecordsMax, isRecorded, type Sighting, withSighting } from './history.ts';
import type { AccountRecord } from './record.ts';

const blank = { kind: 'oauth', ancestors: [], spent: [], history: [], nextNumber: 1, linked: [] } as const;
const empty: AccountRecord = { account, profile, ...blank };

function sighting(access: string, more: Partial<Sighting> = {}): Sighting {
  const seen = { expiresAt: null, origin: founder, at: start, verdict: 'parallel', why: 'so it is' } as const;
  return { access: print(access), ...seen, ...more };
}

/** Of accepted logins, and of refused ones as many. */
const entriesMax = historyEntriesMax / 2;
const recordsMax = historyRecordsMax / 2;

describe('a history', () => {
  it('numbers its entries, keeps the newest, and the sealed records of the newest few', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 3 * entriesMax }), withRecord => {
        const record = withRecord.reduce<AccountRecord>(
          (before, sealed) => withSighting(before, sighting('1', { sealed: sealed ? sealedOf('1') : undefined })),
          empty,
        );
        const { history, nextNumber } = record;
        expect(history).toHaveLength(Math.min(withRecord.length, entriesMax));
        expect(nextNumber).toBe(withRecord.length + 1);
        expect(history.map(({ number }) => number)).toEqual(
          history.map((_, index) => nextNumber - history.length + index),
        );
        const kept = history.filter(({ sealed }) => sealed !== undefined).map(({ number }) => number);
        const offered = history.map(({ number }) => number).filter(number => withRecord[number - 1] === true);
        expect(kept).toEqual(offered.slice(-recordsMax));
      }),
    );
  });

  it('keeps what was accepted, however much is refused after it', () => {
    const more = { sealed: sealedOf('1'), verdict: 'accepted' } as const;
    let record = withSighting(withSighting(empty, sighting('1', more)), sighting('2', more));
    for (let strange = 0; strange < 3 * historyEntriesMax; strange++)
      record = withSighting(record, sighting('7', { sealed: sealedOf('7') }));
    const accepted = record.history.filter(({ verdict }) => verdict === 'accepted');
    expect(accepted).toMatchObject([
      { number: 1, sealed: sealedOf('1') },
      { number: 2, sealed: sealedOf('1') },
    ]);
    expect(record.history).toHaveLength(2 + entriesMax);
    expect(record.history.map(({ number }) => number)).toEqual(
      record.history.map(({ number }) => number).sort((a, b) => a - b),
    );
    expect(record.history.filter(({ sealed }) => sealed !== undefined)).toHaveLength(2 + recordsMax);
  });

  it('tells the same story once, until another one came between', () => {
    const key = { access: print('1'), origin: founder };
    const parallel = withSighting(empty, sighting('1'));
    expect(isRecorded(parallel, { ...key, verdict: 'parallel' })).toBe(true);
    expect(isRecorded(parallel, { ...key, verdict: 'stale' })).toBe(false);
    expect(isRecorded(parallel, { ...key, origin: guest, verdict: 'parallel' })).toBe(false);
    const accepted = withSighting(parallel, sighting('1', { verdict: 'accepted' }));
    expect(isRecorded(accepted, { ...key, verdict: 'parallel' })).toBe(false);
  });
});
