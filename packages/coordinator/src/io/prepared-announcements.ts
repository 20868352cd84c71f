import type { AccountId, FleetId } from '@authmesh/shared/core/identifiers';
import { encodeAnnouncement } from '@authmesh/shared/crypto/announcement-frame';
import type { SigningKey } from '@authmesh/shared/crypto/signing';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import { prepareFrame } from './peer-socket.ts';

interface Prepared {
  readonly announcement: Announcement;
  readonly wire: Buffer;
}

/** The latest announcement of each account, signed and framed once for every socket that will get it. */
export interface PreparedAnnouncements {
  wireFor(announcement: Announcement, fleet: FleetId): Buffer;
}

/** Keeps frames up to `bytesMax` in all; the account announced longest ago goes first. */
export function createPreparedAnnouncements(key: SigningKey, bytesMax: number): PreparedAnnouncements {
  const byAccount = new Map<AccountId, Prepared>();
  let bytes = 0;

  function forget(account: AccountId): void {
    bytes -= byAccount.get(account)?.wire.length ?? 0;
    byAccount.delete(account);
  }

  return {
    wireFor(announcement, fleet) {
      const known = byAccount.get(announcement.account);
      if (known && isSame(known.announcement, announcement)) return known.wire;
      const wire = prepareFrame(encodeAnnouncement(announcement, fleet, key));
      forget(announcement.account);
      byAccount.set(announcement.account, { announcement, wire });
      bytes += wire.length;
      for (const oldest of byAccount.keys()) {
        if (bytes <= bytesMax || oldest === announcement.account) break;
        forget(oldest);
      }
      return wire;
    },
  };
}

/** Compares every field, so that a core that completes a revision in place gets a new frame. */
function isSame(a: Announcement, b: Announcement): boolean {
  return (
    a === b ||
    (a.position.epoch === b.position.epoch &&
      a.position.revision === b.position.revision &&
      a.generation === b.generation &&
      a.access === b.access &&
      a.refresh === b.refresh &&
      a.expiresAt === b.expiresAt &&
      a.issuedAt === b.issuedAt &&
      a.origin === b.origin &&
      a.home === b.home &&
      a.restored === b.restored &&
      a.profile === b.profile &&
      a.kind === b.kind &&
      a.sealed === b.sealed)
  );
}
