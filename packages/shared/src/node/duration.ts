import { day, hour, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { AuthmeshError } from './errors.ts';

const units: Readonly<Record<string, Milliseconds>> = { ms: 1, s: second, m: minute, h: hour, d: day };

/** Reads `15m`, `30s`, `2h`, `1d` or `250ms`; throws `ERR_USAGE` naming the option. */
export function parseDuration(option: string, text: string): Milliseconds {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : units[match[2]];
  if (match?.[1] !== undefined && unit !== undefined) return Math.round(Number(match[1]) * unit);
  throw new AuthmeshError('ERR_USAGE', `${option} is "${text}"`, {
    hint: 'write a number with its unit: 30s, 15m, 2h or 1d',
  });
}

/** A length of time as people say it: `45 s`, `12 min`, `3 h`, `4 d`. */
export function describeDuration(lengthMs: Milliseconds): string {
  const length = Math.abs(lengthMs);
  if (length < minute) return `${Math.round(length / second)} s`;
  if (length < hour) return `${Math.round(length / minute)} min`;
  if (length < 2 * day) return `${Math.round(length / hour)} h`;
  return `${Math.round(length / day)} d`;
}
