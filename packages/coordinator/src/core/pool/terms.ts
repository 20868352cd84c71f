import { accountLabel, accountProvider } from '@authmesh/shared/core/identifiers';
import { matchesPattern } from '@authmesh/shared/core/patterns';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Claimant } from '@authmesh/shared/protocol/permit';

/** What an operator says of one pool in `coordinator.json`. */
export interface PoolTerms {
  readonly name: string;
  /** Globs over provider, account and profile id of the logins whose sessions share the limit. */
  readonly match: readonly string[];
  /** Most of its sessions that may be coming back at once (the hard limit, C). */
  readonly limit: number;
  readonly startsPerMinute?: number | undefined;
  readonly startsPerDay?: number | undefined;
  /** How long a session takes until it counts as back, where nothing better says so. */
  readonly settleMs: Milliseconds;
  readonly healthCommand?: string | undefined;
}

/** For recoveries that no pool of the configuration matches. */
export const defaultPool: PoolTerms = { name: 'default', match: ['*'], limit: 4, settleMs: 20 * second };

/** A node with claims reports every 5 s, and every answer counts from the report: two may be lost. */
const renewalSlackMs: Milliseconds = 13 * second;
/** A permit that was lost stays counted for as much longer (lock-delay): messages under way, clocks that differ. */
export const graceMs: Milliseconds = 5 * second;

/** The most sessions that can ever be let go together: the hard limit, and what may start in a window. */
export function mostTogether({ limit, startsPerMinute = limit, startsPerDay = limit }: PoolTerms): number {
  return Math.min(limit, startsPerMinute, startsPerDay);
}

/** How long the sessions of a claim take to come back. */
export function settleMsOf(terms: PoolTerms, claim: { readonly settleMs?: Milliseconds | undefined }): Milliseconds {
  return claim.settleMs ?? terms.settleMs;
}

/** How long a permit lasts without a renewal: its sessions settle in it, and two reports may be late before. */
export function leaseMsOf(settleMs: Milliseconds): Milliseconds {
  return settleMs + renewalSlackMs;
}

/** The pool of a claim: the first that matches, in the order of the configuration. */
export function termsFor(terms: readonly PoolTerms[], claimant: Claimant): PoolTerms | undefined {
  if (claimant.type === 'command') return [...terms, defaultPool].find(({ name }) => name === claimant.pool);
  return termsOfLogin(terms, claimant);
}

/** The pool whose limit the sessions of a login share. */
export function termsOfLogin(
  terms: readonly PoolTerms[],
  { account, profile }: Pick<Extract<Claimant, { type: 'store' }>, 'account' | 'profile'>,
): PoolTerms {
  const subject = { provider: accountProvider(account), account: accountLabel(account), profile };
  return terms.find(({ match }) => match.some(pattern => matchesPattern(pattern, subject))) ?? defaultPool;
}
