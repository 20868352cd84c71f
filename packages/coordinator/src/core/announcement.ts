import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { AccountEntry } from './state.ts';

/** The announcement of an account's current credential, as it is durable; undefined before there is one. */
export function announcementOf(entry: AccountEntry): Announcement | undefined {
  const { current, account, kind, profile } = entry.record;
  if (!current) return undefined;
  const { position, generation, access, refresh, expiresAt, issuedAt, origin, home, sealed } = current;
  return {
    type: 'announce',
    account,
    kind,
    profile,
    position,
    generation,
    access,
    refresh,
    expiresAt,
    issuedAt,
    origin,
    home,
    restored: current.why === 'restored',
    sealed,
  };
}
