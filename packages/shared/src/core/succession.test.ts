import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fingerprint, NodeId } from './identifiers.ts';
import type { Candidate, Lineage } from './lineage.ts';
import { emptyLineage, succeed } from './succession.ts';

const print = (digit: string) => digit.repeat(32) as Fingerprint;
const home = 'a'.repeat(32) as NodeId;
const other = 'b'.repeat(32) as NodeId;

function candidate(
  access: string,
  refresh: string | undefined,
  node: NodeId,
  chain: Candidate['chain'] = [],
): Candidate {
  const spendable = refresh === undefined ? undefined : print(refresh);
  return { node, access: print(access), refresh: spendable, expiresAt: null, chain, linked: true };
}

function accept(
  lineage: Lineage,
  next: Candidate,
  why: 'first' | 'successor' | 'completed' | 'resealed',
  revision: number,
): Lineage {
  return succeed(lineage, next, { why, position: { epoch: 1, revision }, generation: revision });
}

describe('succession', () => {
  it('a renewal spends the refresh token before it', () => {
    const first = accept(emptyLineage(), candidate('1', '2', home), 'first', 1);
    const chain = [{ access: print('1'), refresh: print('2') }];
    const second = accept(first, candidate('3', '4', home, chain), 'successor', 2);
    expect(second.spent).toEqual(new Set([print('2')]));
    expect(second.ancestors).toEqual(new Set([print('1')]));
  });

  it('a renewal that came as a bearer copy spends it as soon as the home completes it', () => {
    const first = accept(emptyLineage(), candidate('1', '2', home), 'first', 1);
    const bearer = accept(first, candidate('3', undefined, other, [{ access: print('1') }]), 'successor', 2);
    expect(bearer.spent.size).toBe(0);
    const chain = [{ access: print('1'), refresh: print('2') }];
    const completed = accept(bearer, candidate('3', '4', home, chain), 'completed', 3);
    expect(completed.spent).toEqual(new Set([print('2')]));
  });

  it('a provider that keeps its refresh token spends nothing', () => {
    const first = accept(emptyLineage(), candidate('1', '2', home), 'first', 1);
    const chain = [{ access: print('1'), refresh: print('2') }];
    expect(accept(first, candidate('3', '2', home, chain), 'successor', 2).spent.size).toBe(0);
  });

  it('an old file that came back is no successor of what it was renewed into', () => {
    const first = accept(emptyLineage(), candidate('1', undefined, home), 'first', 1);
    const back = candidate('2', undefined, home, [
      { access: print('3') },
      { access: print('2') },
      { access: print('1') },
    ]);
    expect(accept(first, back, 'successor', 2).ancestors).toEqual(new Set([print('1')]));
    expect(accept(emptyLineage(), back, 'first', 1).ancestors).toEqual(new Set([print('1')]));
  });

  it('keeps the home that the fleet knew of a login, and names the node whose record it is as its origin', () => {
    const position = { epoch: 1, revision: 7 };
    const known = { ...candidate('1', undefined, other), announced: { position, home, origin: home } };
    for (const why of ['first', 'recovered'] as const) {
      const { current } = succeed(emptyLineage(), known, { why, position, generation: 7 });
      expect(current).toMatchObject({ origin: other, home });
    }
  });

  it('a login that is sealed anew is at home where its refresh token is, when the backup and the fleet differ', () => {
    const known = (at: NodeId) => ({ position: { epoch: 1, revision: 3 }, home: at, origin: at });
    const backup = accept(emptyLineage(), candidate('1', '2', home), 'first', 1);
    // An operator went to another login and back: without the refresh token, which stayed; with it, which moved.
    const stayed = { ...candidate('1', '2', home), announced: known(other) };
    expect(accept(backup, stayed, 'resealed', 4).current).toMatchObject({ home });
    const moved = { ...candidate('1', '2', other), announced: known(other) };
    expect(accept(backup, moved, 'resealed', 4).current).toMatchObject({ home: other });
    const shared = { ...candidate('1', '2', other), announced: known(home) };
    expect(accept(backup, shared, 'resealed', 4).current).toMatchObject({ home });
  });

  it('a login that a bearer copy brought goes home to whoever completes it', () => {
    const bearer = accept(emptyLineage(), candidate('1', undefined, other), 'first', 1);
    const announced = { position: { epoch: 1, revision: 1 }, home: other, origin: other };
    const completed = accept(bearer, { ...candidate('1', '2', home), announced }, 'completed', 2);
    expect(completed.current).toMatchObject({ origin: home, home });
  });

  it('forgets nothing but what comes back, and what is current is never its own ancestor', () => {
    const digit = fc.constantFrom('1', '2', '3', '4', '5', '6');
    const spendable = fc.option(digit, { nil: undefined });
    const next = fc.record({ access: digit, refresh: spendable, chain: fc.array(digit, { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(next, { maxLength: 20 }), accepted => {
        let lineage = emptyLineage();
        for (const [index, { access, refresh, chain }] of accepted.entries()) {
          const before = lineage;
          const links = chain.map(name => ({ access: print(name), refresh: print(name) }));
          lineage = accept(before, candidate(access, refresh, home, links), 'successor', index + 1);
          const { current, ancestors, spent } = lineage;
          expect(current?.position.revision).toBe(index + 1);
          expect(ancestors.has(print(access)) || (refresh !== undefined && spent.has(print(refresh)))).toBe(false);
          const known = [...before.ancestors, ...(before.current ? [before.current.access] : [])];
          expect(known.filter(name => !ancestors.has(name) && name !== print(access))).toEqual([]);
          expect([...before.spent].filter(name => !spent.has(name) && name !== current?.refresh)).toEqual([]);
        }
      }),
    );
  });
});
