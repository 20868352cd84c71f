import type { Instant } from '@authmesh/shared/core/time';
import { genesis } from './world/world.ts';

/** What happened, as a number that two equal runs share, and as lines when somebody wants to read them. */
export interface Trace {
  /** A signed 32-bit number: those need no box. */
  hash: number;
  /** Undefined: nobody reads. */
  readonly write: ((line: string) => void) | undefined;
}

export function createTrace(write?: (line: string) => void): Trace {
  return { hash: 0x811c9dc5 | 0, write };
}

/** Takes a number into the run's hash. */
export function fold(trace: Trace, part: number): void {
  trace.hash = blend(trace.hash, part);
}

function blend(hash: number, part: number): number {
  return Math.imul(hash ^ part, 0x01000193) ^ (hash >>> 15);
}

/** Takes the shape of a text into the hash: length and a few of its characters, for it is done at every step. */
export function foldText(trace: Trace, text: string): void {
  const { length } = text;
  let hash = blend(trace.hash, length);
  for (let index = 0; index < length; index += 3) hash = blend(hash, text.charCodeAt(index));
  trace.hash = hash;
}

/** `+01:02:03.456`, since the beginning of virtual time. */
export function stamp(at: Instant): string {
  const elapsed = at - genesis;
  const days = Math.floor(elapsed / 86_400_000);
  const time = new Date(elapsed % 86_400_000).toISOString().slice(11, 23);
  return days > 0 ? `+${days}d ${time}` : `+${time}`;
}

/** Writes `time who what`. Call it only when somebody reads: the text costs more than the step. */
export function writeLine(trace: Trace, at: Instant, who: string, what: string): void {
  trace.write?.(`${stamp(at)} ${who.padEnd(12)} ${what}`);
}
