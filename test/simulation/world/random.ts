import { mix } from '@authmesh/shared/core/chance';

/** A stream of chance that depends on its seed alone. Every draw of a run comes from one of these. */
export interface Random {
  /** An unsigned 32-bit number. */
  readonly next: () => number;
  /** In [0, 1). */
  readonly fraction: () => number;
  /** An integer in [0, count). */
  readonly below: (count: number) => number;
  /** An integer in [least, most]. */
  readonly between: (least: number, most: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** A stream of its own, so that draws of one kind do not shift those of another. */
  readonly fork: (label: number) => Random;
}

const golden = 0x9e3779b9;

export function createRandom(seed: number): Random {
  let state = mix(seed) | 0;
  const next = () => {
    state = (state + golden) | 0;
    return mix(state);
  };
  const fraction = () => next() / 0x1_0000_0000;
  const below = (count: number) => Math.floor(fraction() * count);
  return {
    next,
    fraction,
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: probability => probability > 0 && fraction() < probability,
    pick: items => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    fork: label => createRandom(mix(seed ^ Math.imul(label + 1, golden))),
  };
}
