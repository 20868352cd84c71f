/** The value below which the given part (0 to 1) of the values lies; nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Jain's index of fairness: 1 where all have the same, 1/n where one has everything. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum ** 2 / (values.length * values.reduce((total, value) => total + value ** 2, 0));
}

/** Median and 99th percentile. */
export function spread(values: readonly number[]): { readonly value: number; readonly p99: number } {
  return { value: median(values), p99: quantile(values, 0.99) };
}

/** Milliseconds of a clock that all processes of this host share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
