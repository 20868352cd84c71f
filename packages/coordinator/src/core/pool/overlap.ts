import type { PoolTerms } from './terms.ts';

/** Pools that some login may match both of: the first one counts, and the other never sees that login. A sentence each. */
export function findOverlaps(pools: readonly Pick<PoolTerms, 'name' | 'match'>[]): string[] {
  const sentences: string[] = [];
  for (const [index, later] of pools.entries()) {
    for (const earlier of pools.slice(0, index)) {
      const pair = overlapOf(earlier.match, later.match);
      if (!pair) continue;
      const [one, other] = pair;
      sentences.push(
        `the pools ${earlier.name} and ${later.name} overlap ("${one}" and "${other}"): a login that matches both counts for ${earlier.name}, which comes first.`,
      );
    }
  }
  return sentences;
}

function overlapOf(earlier: readonly string[], later: readonly string[]): [string, string] | undefined {
  for (const one of earlier) for (const other of later) if (canMeet(one, other)) return [one, other];
  return undefined;
}

/** Whether some text matches both globs. Each step takes a sign of one or of both; every pair of places is seen once. */
function canMeet(one: string, other: string): boolean {
  const a = [...one.toLowerCase()];
  const b = [...other.toLowerCase()];
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let place = open.pop(); place; place = open.pop()) {
    const [i, j] = place;
    const key = i * (b.length + 1) + j;
    if (seen.has(key)) continue;
    seen.add(key);
    if (i === a.length && j === b.length) return true;
    const [left, right] = [a[i], b[j]];
    if (left === '*') open.push([i + 1, j]);
    if (right === '*') open.push([i, j + 1]);
    if (left === undefined || right === undefined) continue;
    if (left === '*') open.push([i, j + 1]);
    else if (right === '*') open.push([i + 1, j]);
    else if (left === right || left === '?' || right === '?') open.push([i + 1, j + 1]);
  }
  return false;
}
