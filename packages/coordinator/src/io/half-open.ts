/** Bounds on connections that have proved nothing yet. */
export interface HalfOpenLimits {
  readonly total: number;
  readonly perAddress: number;
}

/**
 * A returning fleet of 5,000 is half-open all at once and must fit; each costs about 10 KB and at most 16 KiB of input for
 * at most five seconds. One address may be a proxy or a NAT with many hosts behind it. Loopback is bounded by the total
 * alone: a local proxy brings everybody from there.
 */
export const halfOpenLimitsDefault: HalfOpenLimits = { total: 8_192, perAddress: 1_024 };

/** Counts half-open connections. */
export interface HalfOpenCount {
  /** Takes a place, to be given back by calling what is returned (again does nothing); undefined: no place is left. */
  take(address: string): (() => void) | undefined;
  readonly size: number;
}

export function createHalfOpenCount(limits: HalfOpenLimits): HalfOpenCount {
  const byAddress = new Map<string, number>();
  let size = 0;
  return {
    take(address) {
      const here = byAddress.get(address) ?? 0;
      if (size >= limits.total || (here >= limits.perAddress && !isLoopback(address))) return undefined;
      size += 1;
      byAddress.set(address, here + 1);
      let taken = true;
      return () => {
        if (!taken) return;
        taken = false;
        size -= 1;
        const left = (byAddress.get(address) ?? 1) - 1;
        if (left > 0) byAddress.set(address, left);
        else byAddress.delete(address);
      };
    },
    get size() {
      return size;
    },
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
