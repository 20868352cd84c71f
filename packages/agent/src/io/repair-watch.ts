import { setTimeout as wait } from 'node:timers/promises';
import type { Repair } from '@authmesh/agent/core/repair';
import { type Milliseconds, second } from '@authmesh/shared/core/time';

/** Whoever starts a service waits meanwhile: a coordinator that is away is not waited for as long as one at work. */
const awayMsMax: Milliseconds = 5 * second;
const lookMs: Milliseconds = 25;

/** Looks until the repair is done, or can come no further in time; how far it is then. */
export async function untilRepaired(look: () => Repair, timeoutMs: Milliseconds): Promise<Repair> {
  const startedAt = performance.now();
  let awaySince: number | undefined = startedAt;
  for (;;) {
    const repair = look();
    const now = performance.now();
    awaySince = repair.phase === 'away' ? (awaySince ?? now) : undefined;
    const isAwayTooLong = awaySince !== undefined && now - awaySince >= awayMsMax;
    if (repair.phase === 'done' || now - startedAt >= timeoutMs || isAwayTooLong) return repair;
    await wait(lookMs);
  }
}
