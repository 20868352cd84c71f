import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjudicate } from './freshness.ts';
import type { Fingerprint, NodeId } from './identifiers.ts';
import type { Candidate, Lineage, Prints } from './lineage.ts';
import { emptyLineage, succeed } from './succession.ts';
import { day, hour, minute } from './time.ts';

const now = 1_000 * day;
const print = (name: string) => name as Fingerprint;
const node = 'pc-a' as NodeId;

function candidate(access: string, more: Partial<Candidate> = {}): Candidate {
  return {
    node,
    access: print(access),
    refresh: print(`${access}-refresh`),
    expiresAt: now + hour,
    chain: [],
    linked: true,
    ...more,
  };
}

function chain(...names: string[]): Prints[] {
  return names.map(name => ({ access: print(name), refresh: print(`${name}-refresh`) }));
}

/** As a node remembers an announcement. */
function at(revision: number): NonNullable<Candidate['announced']> {
  return { position: { epoch: 1, revision }, home: node, origin: node };
}

/** The lineage after these were accepted in turn. */
function lineageOf(...accepted: Candidate[]): Lineage {
  return accepted.reduce<Lineage>(
    (lineage, next, index) =>
      succeed(lineage, next, { why: 'successor', position: { epoch: 1, revision: index + 1 }, generation: index + 1 }),
    emptyLineage(),
  );
}

describe(adjudicate, () => {
  const a = candidate('a');
  const b = candidate('b', { chain: chain('a'), expiresAt: now + 2 * hour });
  const rows: readonly [name: string, lineage: Lineage, seen: Candidate, kind: string, why: string][] = [
    ['the first of an account', emptyLineage(), a, 'accepted', 'first'],
    [
      'a dead one, when it is the first',
      emptyLineage(),
      candidate('a', { expiresAt: now - hour }),
      'accepted',
      'first',
    ],
    ['the current one', lineageOf(a), a, 'in-step', 'same'],
    [
      'a successor that ends earlier by the fleet’s clock alone',
      lineageOf(candidate('a', { expiresAt: now + day })),
      candidate('b', { chain: [{ ...chain('a')[0], access: print('a'), expiresAt: now - hour }] }),
      'accepted',
      'successor',
    ],
    [
      'a successor that ends earlier by its store’s clock alone',
      lineageOf(candidate('a', { expiresAt: now - hour })),
      candidate('b', { chain: [{ ...chain('a')[0], access: print('a'), expiresAt: now + day }] }),
      'accepted',
      'successor',
    ],
    [
      'an old file: it ends earlier by both clocks',
      lineageOf(candidate('a', { expiresAt: now + day })),
      candidate('b', { chain: [{ ...chain('a')[0], access: print('a'), expiresAt: now + 2 * hour }] }),
      'parallel',
      'order-unknown',
    ],
    ['the current one in the bearer form', lineageOf(a), candidate('a', { refresh: undefined }), 'in-step', 'same'],
    [
      'the refresh token that was missing',
      lineageOf(candidate('a', { refresh: undefined })),
      a,
      'accepted',
      'completed',
    ],
    [
      'a known ancestor, whatever it claims',
      lineageOf(a, b),
      candidate('a', { expiresAt: now + 900 * day }),
      'stale',
      'ancestor',
    ],
    ['a spent refresh token', lineageOf(a, b), candidate('x', { refresh: print('a-refresh') }), 'stale', 'spent'],
    ['a store that went back', lineageOf(b), candidate('a', { chain: chain('b', 'a') }), 'stale', 'ancestor'],
    ['a refresh in the store of the current one', lineageOf(a), b, 'accepted', 'successor'],
    [
      'three refreshes while away',
      lineageOf(a),
      candidate('d', { chain: chain('c', 'b', 'a') }),
      'accepted',
      'successor',
    ],
    [
      'a refresh that kept its refresh token',
      lineageOf(a),
      candidate('b', { chain: chain('a'), refresh: print('a-refresh') }),
      'accepted',
      'successor',
    ],
    [
      'an old unknown file over the current one',
      lineageOf(b),
      candidate('o', { chain: chain('b'), expiresAt: now + hour }),
      'parallel',
      'order-unknown',
    ],
    [
      'a renewal that ends earlier, which an old unknown file would look like',
      lineageOf(candidate('a', { expiresAt: now + 2 * hour })),
      candidate('b', { chain: chain('a'), expiresAt: now + hour }),
      'parallel',
      'order-unknown',
    ],
    [
      'a renewal that ends a little earlier',
      lineageOf(candidate('a', { expiresAt: now + hour })),
      candidate('b', { chain: chain('a'), expiresAt: now + hour - minute }),
      'accepted',
      'successor',
    ],
    [
      'a renewal that ends earlier, where the issuer says that it is the later one',
      lineageOf(candidate('a', { expiresAt: now + 2 * hour, issuedAt: 10 })),
      candidate('b', { chain: chain('a'), expiresAt: now + hour, issuedAt: 11 }),
      'accepted',
      'successor',
    ],
    [
      'an old dead file over the current one',
      lineageOf(b),
      candidate('o', { chain: chain('b'), expiresAt: now - hour }),
      'stale',
      'dead',
    ],
    [
      'the issuer says later',
      lineageOf(candidate('a', { issuedAt: 10 })),
      candidate('n', { issuedAt: 11 }),
      'accepted',
      'issued-later',
    ],
    [
      'the issuer says earlier',
      lineageOf(candidate('a', { issuedAt: 10 })),
      candidate('n', { issuedAt: 9, chain: chain('a') }),
      'stale',
      'issued-earlier',
    ],
    [
      'issued in the same second',
      lineageOf(candidate('a', { issuedAt: 10 })),
      candidate('n', { issuedAt: 10 }),
      'parallel',
      'order-unknown',
    ],
    [
      'alive, the current one dead',
      lineageOf(candidate('a', { expiresAt: now - 1 })),
      candidate('n'),
      'accepted',
      'current-dead',
    ],
    [
      'about to end, the current one dead: by another clock it may be the other way round',
      lineageOf(candidate('a', { expiresAt: now - 1 })),
      candidate('n', { expiresAt: now + minute }),
      'parallel',
      'order-unknown',
    ],
    ['dead, the current one alive', lineageOf(a), candidate('n', { expiresAt: now - 1 }), 'stale', 'dead'],
    [
      'both dead: either may hold a live refresh token',
      lineageOf(candidate('a', { expiresAt: now - 1 })),
      candidate('n', { expiresAt: now - 2 }),
      'parallel',
      'order-unknown',
    ],
    ['two live logins', lineageOf(a), candidate('n', { expiresAt: now + 900 * day }), 'parallel', 'order-unknown'],
    [
      'tokens that do not end',
      lineageOf(candidate('a', { expiresAt: null })),
      candidate('n', { expiresAt: null }),
      'parallel',
      'order-unknown',
    ],
    [
      'an identity too weak to compare',
      lineageOf(a),
      candidate('n', { linked: false }),
      'unlinked',
      'identity-unknown',
    ],
    [
      'announced before the store was put back',
      lineageOf(a),
      candidate('z', { announced: at(9) }),
      'accepted',
      'recovered',
    ],
    [
      'an ancestor that an operator went back to before the store was put back',
      lineageOf(a, b),
      candidate('a', { announced: { ...at(9), restored: true } }),
      'accepted',
      'recovered',
    ],
    [
      'an ancestor that an operator went back to before the current one came',
      lineageOf(a, b),
      candidate('a', { announced: { ...at(1), restored: true } }),
      'stale',
      'ancestor',
    ],
    // A store that was put back took b before it heard that a had been told at a later place.
    [
      'an ancestor, wherever it was announced',
      lineageOf(a, b),
      candidate('a', { announced: at(9) }),
      'stale',
      'ancestor',
    ],
    [
      'a later place, but the issuer says earlier',
      lineageOf(candidate('a', { issuedAt: 10 })),
      candidate('n', { issuedAt: 9, announced: at(9) }),
      'stale',
      'issued-earlier',
    ],
    [
      'a store that went to and fro, where the fleet had it later',
      lineageOf(a),
      candidate('c', { chain: chain('a', 'c'), announced: at(9) }),
      'accepted',
      'recovered',
    ],
    [
      'a store that went to and fro, where the issuer says later',
      lineageOf(candidate('b', { issuedAt: 10 })),
      candidate('c', { issuedAt: 11, chain: chain('b', 'c') }),
      'accepted',
      'issued-later',
    ],
    [
      'a store that went to and fro, where nothing but the expiry says later',
      lineageOf(a),
      candidate('c', { expiresAt: now + 2 * hour, chain: chain('a', 'c') }),
      'parallel',
      'order-unknown',
    ],
  ];
  it.each(rows)('%s', (_, lineage, seen, kind, why) => {
    expect(adjudicate(lineage, seen, now)).toEqual({ kind, why });
  });

  const credentials = fc.array(
    fc.record({
      access: fc.integer({ min: 0, max: 12 }).map(n => print(`access-${n}`)),
      refresh: fc.option(
        fc.integer({ min: 0, max: 12 }).map(n => print(`refresh-${n}`)),
        { nil: undefined },
      ),
      expiresAt: fc.option(fc.integer({ min: now - day, max: now + day }), { nil: null }),
      issuedAt: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
      chain: fc.array(
        fc.integer({ min: 0, max: 12 }).map(n => ({ access: print(`access-${n}`) })),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 40 },
  );

  it('never accepts an ancestor or a spent refresh token, whatever is reported in whatever order', () => {
    fc.assert(
      fc.property(credentials, reported => {
        let lineage = emptyLineage();
        for (const [index, seen] of reported.entries()) {
          const next: Candidate = { ...seen, node, linked: true };
          const verdict = adjudicate(lineage, next, now);
          if (verdict.kind !== 'accepted') continue;
          expect(lineage.ancestors.has(next.access)).toBe(false);
          expect(next.refresh !== undefined && lineage.spent.has(next.refresh)).toBe(false);
          const before = lineage.current;
          lineage = succeed(lineage, next, {
            why: verdict.why,
            position: { epoch: 1, revision: index + 1 },
            generation: index + 1,
          });
          if (before && before.access !== next.access) expect(lineage.ancestors.has(before.access)).toBe(true);
          expect(lineage.ancestors.has(next.access)).toBe(false);
        }
      }),
    );
  });

  it('ends with the same current credential in whatever order issuer times are reported', () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        times.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, order]) => {
          let lineage = emptyLineage();
          for (const [index, issuedAt] of order.entries()) {
            const seen = candidate(`t${issuedAt}`, { issuedAt });
            const verdict = adjudicate(lineage, seen, now);
            if (verdict.kind === 'accepted') {
              lineage = succeed(lineage, seen, {
                why: verdict.why,
                position: { epoch: 1, revision: index + 1 },
                generation: 1,
              });
            }
          }
          expect(lineage.current?.issuedAt).toBe(Math.max(...list));
        },
      ),
    );
  });

  it('lets no dead one take the place of one that never ends, unless the issuer says that it is later', () => {
    const lineage = lineageOf(candidate('a', { expiresAt: null }));
    const old = candidate('n', { expiresAt: now - day, chain: chain('a') });
    expect(adjudicate(lineage, old, now)).toEqual({ kind: 'stale', why: 'dead' });
    expect(adjudicate(lineage, candidate('n', { chain: chain('a') }), now)).toEqual({
      kind: 'accepted',
      why: 'successor',
    });
  });

  it('lets no opaque login that ends over a minute earlier take the place of a live one, and does not heal it', () => {
    const lives = fc.tuple(fc.integer({ min: 1, max: 900 * day }), fc.integer({ min: minute + 1, max: 900 * day }));
    const before = fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 });
    fc.assert(
      fc.property(lives, before, before, ([left, more], newer, older) => {
        const lineage = lineageOf(candidate('a', { expiresAt: now + left + more }));
        const short = candidate('n', { expiresAt: now + left, chain: chain(...newer, 'a', ...older) });
        expect(adjudicate(lineage, short, now).kind).toBe('parallel');
      }),
    );
  });

  it('never decides between two live logins by expiry alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900 * day }), fc.integer({ min: 1, max: 900 * day }), (mine, theirs) => {
        const lineage = lineageOf(candidate('a', { expiresAt: now + mine }));
        expect(adjudicate(lineage, candidate('n', { expiresAt: now + theirs }), now).kind).toBe('parallel');
      }),
    );
  });
});
