import { type Milliseconds, second } from '@authmesh/shared/core/time';

/** Bounds on connections that have proved nothing yet. */
export interface HalfOpenLimits {
  readonly total: number;
  readonly perAddress: number;
}

/**
 * A returning fleet of 5,000 is half-open all at once and fits; each costs about 10 KB and at most 16 KiB of input for at
 * most five seconds. One address may be a proxy or a NAT with many hosts behind it. Loopback is bounded by the total
 * alone: a local proxy brings everybody from there.
 */
export const halfOpenLimitsDefault: HalfOpenLimits = { total: 8_192, perAddress: 1_024 };

/** The bounds with another total. */
export function halfOpenLimits(total: number): HalfOpenLimits {
  return { total, perAddress: Math.min(total, halfOpenLimitsDefault.perAddress) };
}

/** Counts half-open connections. */
export interface HalfOpenCount {
  /** Takes a place, to be given back by calling what is returned (again does nothing); undefined: no place is left. */
  take(address: string): (() => void) | undefined;
  /** In how many milliseconds the next one that found no place is to come again. */
  nextMoment(): Milliseconds;
  readonly size: number;
  /** The most that there ever were. */
  readonly peak: number;
}

/** Whoever is sent away comes again no sooner and no later. */
const momentMsMin: Milliseconds = 250;
const momentMsMax: Milliseconds = 10 * second;
/** Time between two places that become free, before anything is known of it, and what is believed of it. */
const paceMsFirst: Milliseconds = 5;
const paceMsMax: Milliseconds = 100;
const paceWeight = 0.1;

/**
 * Those that find no place are asked to come again one after another, at the pace at which places have become free
 * lately: a crowd that all came back together would find as few places as before.
 */
export function createHalfOpenCount(
  limits: HalfOpenLimits,
  now: () => Milliseconds = performance.now.bind(performance),
): HalfOpenCount {
  const byAddress = new Map<string, number>();
  let size = 0;
  let peak = 0;
  let paceMs = paceMsFirst;
  let freedAt: Milliseconds | undefined;
  let nextAt: Milliseconds = 0;

  function freed(): void {
    const at = now();
    if (freedAt !== undefined) paceMs += (Math.min(at - freedAt, paceMsMax) - paceMs) * paceWeight;
    freedAt = at;
  }

  return {
    take(address) {
      const here = byAddress.get(address) ?? 0;
      if (size >= limits.total || (here >= limits.perAddress && !isLoopback(address))) return undefined;
      size += 1;
      peak = Math.max(peak, size);
      byAddress.set(address, here + 1);
      let taken = true;
      return () => {
        if (!taken) return;
        taken = false;
        size -= 1;
        freed();
        const left = (byAddress.get(address) ?? 1) - 1;
        if (left > 0) byAddress.set(address, left);
        else byAddress.delete(address);
      };
    },
    nextMoment() {
      const at = now();
      const moment = Math.max(at + momentMsMin, nextAt + paceMs);
      // Further than anybody is sent away: any time in the later half will do.
      if (moment > at + momentMsMax) return Math.round(momentMsMax * (1 - Math.random() / 2));
      nextAt = moment;
      return Math.round(moment - at);
    },
    get size() {
      return size;
    },
    get peak() {
      return peak;
    },
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
