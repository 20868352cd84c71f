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
  why: 'first' | 'successor' | 'completed',
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
});
