/** One step of SplitMix32: an unsigned 32-bit number that depends on `seed` alone. */
export function mix(seed: number): number {
  let mixed = (seed + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** A fraction in [0, 1) that depends on `seed` alone. */
export function fraction(seed: number): number {
  return mix(seed) / 0x1_0000_0000;
}
