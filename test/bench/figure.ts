import type { Installation } from './installation.ts';

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** The median, where there are rounds. */
  readonly value: number;
  readonly p99?: number | undefined;
  /** What the same costs at least (or what somebody else's program takes), measured in the same run. */
  readonly floor?: { readonly name: string; readonly value: number; readonly p99?: number | undefined } | undefined;
  readonly target?: { readonly words: string; readonly met: boolean } | undefined;
  /** Something was lost, blind or wrongly refused: no figure makes up for it. */
  readonly failure?: string | undefined;
}

export interface BenchContext {
  readonly installation: Installation;
  /** A folder that goes when the run is over. */
  readonly folder: string;
  /** The large sizes too. */
  readonly isFull: boolean;
  /** Talk about the progress; on stderr. */
  readonly say: (sentence: string) => void;
}

/** One measurement of the product with its floor; `--only NAME` runs it alone. */
export interface Bench {
  readonly name: string;
  readonly run: (context: BenchContext) => Promise<readonly Figure[]>;
}

/** A target that is a factor of the floor. */
export function ratioTarget(value: number, floor: number, most: number) {
  return { words: `≤ ${most} × floor`, met: value <= most * floor };
}

/** A target that is a figure of its own. */
export function limitTarget(value: number, most: number, unit: string) {
  return { words: `≤ ${most} ${unit}`, met: value <= most };
}
