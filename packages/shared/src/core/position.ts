/**
 * Where an announcement stands among all of its account. The epoch rises when a coordinator comes back with an older
 * store (a restored backup), the revision with each accepted credential.
 */
export interface Position {
  readonly epoch: number;
  readonly revision: number;
}

/** Negative when `a` is older than `b`, zero when they are the same, positive when `a` is newer. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.revision - b.revision;
}
