import { note } from '@authmesh/shared/core/notes';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { CoordinatorEffect } from './effect.ts';
import type { AccountRecord } from './record.ts';
import type { AccountEntry } from './state.ts';
import type { Submission } from './waiting.ts';

/** The announcement of an account's current credential, as it is durable. */
export function announcementOf(
  { account, kind, profile }: AccountRecord,
  current: NonNullable<AccountRecord['current']>,
): Announcement {
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

/** What follows once an account's change is durable: it is announced (invariant I2), to whoever reported it at the end. */
export function announceDurable(
  entry: AccountEntry,
  cause: Submission | undefined,
  effects: CoordinatorEffect[],
): void {
  const { account, current } = entry.record;
  if (!current) return;
  const { position, origin, why } = current;
  const last = cause?.type === 'judge' ? cause.link : undefined;
  effects.push(
    { type: 'announce', announcement: announcementOf(entry.record, current), links: 'all', last },
    note('credential-accepted', { account, node: origin, revision: position.revision, why }),
  );
}
