import { inviteKey } from '@authmesh/coordinator/core/record';
import { loadRows, type Rows } from '@authmesh/coordinator/store/rows';
import { type Store, StoreError } from '@authmesh/coordinator/store/store';
import { note } from '@authmesh/shared/core/notes';
import { deriveInviteKeys } from '@authmesh/shared/crypto/invite-keys';
import { encodeJoinCode } from '@authmesh/shared/crypto/join-code';
import type { Logger } from '@authmesh/shared/node/logger';
import type { CoordinatorKeys } from './keys.ts';

/** The code that makes the first node of a fleet; null once there is one. */
export function foundingCodeOf(keys: CoordinatorKeys, urls: readonly string[], hasFounder: boolean): string | null {
  if (hasFounder) return null;
  const { invite, secret } = keys.founding;
  return encodeJoinCode({ urls, coordinatorKey: keys.signing.publicKey, invite, secret, founder: null });
}

/** Reads the store and makes sure that a fleet can be founded on it. */
export async function loadFleet(store: Store, keys: CoordinatorKeys, logger: Logger): Promise<Rows> {
  const rows = await loadRows(store);
  for (const { key, reason } of rows.damaged)
    logger.note(note('record-damaged', { file: recordName(key), why: reason }));
  const isFounded = rows.nodes.some(({ record }) => record.invitedBy === null);
  if (!isFounded && (rows.nodes.length > 0 || rows.damaged.some(({ key }) => key.startsWith('node/')))) {
    throw new StoreError('ERR_STORE_CORRUPT', 'the record of the fleet’s founding node is damaged or gone', {
      hint: 'put the store back from a backup: without it every node would be a stranger',
    });
  }
  const { invite, secret } = keys.founding;
  if (rows.nodes.length > 0 || rows.invites.some(({ record }) => record.id === invite)) return rows;
  await store.compareAndSet(inviteKey(invite), 0, {
    id: invite,
    publicKey: deriveInviteKeys(secret).signing.publicKey,
    uses: 1,
    expiresAt: null,
    createdBy: null,
    createdAt: Date.now(),
    sealed: null,
    signature: null,
  });
  return loadRows(store);
}

/** A key may name an account: what kind it is tells enough. */
function recordName(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/'))) || key;
}
