import { describe, expect, it } from 'vitest';
import { findOverlaps } from './overlap.ts';

const pools = (...matches: readonly (readonly string[])[]) =>
  matches.map((match, index) => ({ name: `pool-${index + 1}`, match }));

describe(findOverlaps, () => {
  it.each([
    [['openai*'], ['anthropic*'], 0],
    [['openai*'], ['openai-codex:default'], 1],
    [['*'], ['xai'], 1],
    [['*:work'], ['xai:*'], 1],
    [['xai:?'], ['XAI:a'], 1],
    [['xai:?'], ['xai:ab'], 0],
    [['a*b*c'], ['*bd*'], 1],
    [['a*b'], ['*c'], 0],
  ])('%j and %j: %i', (one, other, count) => {
    expect(findOverlaps(pools(one, other))).toHaveLength(count);
  });

  it('names both pools, both patterns, and the one that counts', () => {
    expect(findOverlaps(pools(['openai*'], ['xai'], ['*']))).toEqual([
      'the pools pool-1 and pool-3 overlap ("openai*" and "*"): a login that matches both counts for pool-1, which comes first.',
      'the pools pool-2 and pool-3 overlap ("xai" and "*"): a login that matches both counts for pool-2, which comes first.',
    ]);
  });
});
