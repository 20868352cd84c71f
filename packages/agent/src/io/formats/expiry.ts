import { day, type Instant, isNever } from '@authmesh/shared/core/time';

/**
 * Further ahead than this an end is not believed, a store's or a provider's; the longest real one (a setup token's) is about
 * a year away.
 */
export const expiryAheadMsMax = 20 * 365 * day;
/** Older than OAuth tokens in OpenClaw can be; what is below was written in seconds, or by mistake. */
const earliestExpiry: Instant = Date.UTC(2015, 0, 1);

/** A host without a battery starts in 1970: its clock is no witness against a login before it has been set. */
const latestReset: Instant = Date.UTC(2026, 0, 1);

/** When a stored credential ends, by this host's clock (null: never), or why its `expires` cannot be. */
export type Expiry =
  | { readonly plausible: true; readonly expiresAt: Instant | null }
  | { readonly plausible: false; readonly trouble: string };

/**
 * Judges the `expires` field of an entry: epoch milliseconds. Only an `oauth` entry must have one; the documented
 * "never" values mean that it does not end.
 */
export function readExpiry(expires: unknown, isRequired: boolean, now: Instant): Expiry {
  if (expires === undefined || expires === null) {
    return isRequired ? implausible('it has no `expires`') : { plausible: true, expiresAt: null };
  }
  if (typeof expires !== 'number') return implausible('its `expires` is not a number');
  if (isNever(expires)) return { plausible: true, expiresAt: null };
  if (expires <= 0) return implausible(`its \`expires\` is ${expires === 0 ? 'zero' : 'negative'}`);
  if (expires < earliestExpiry) {
    const seconds = expires * 1_000 >= earliestExpiry;
    return implausible(
      seconds ? 'its `expires` is in seconds, not milliseconds' : 'its `expires` lies before the year 2015',
    );
  }
  if (expires > Math.max(now, latestReset) + expiryAheadMsMax)
    return implausible('its `expires` lies more than 20 years ahead');
  return { plausible: true, expiresAt: Math.floor(expires) };
}

function implausible(trouble: string): Expiry {
  return { plausible: false, trouble };
}
