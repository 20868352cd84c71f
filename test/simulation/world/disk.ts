import type { ProfileUse, SeenHold } from '@authmesh/agent/core/event';
import type { AccountId, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Secret } from './secret.ts';

/** What a profile's tokens look like on disk. */
export type EntryShape = 'tokens' | 'empty' | 'implausible' | 'fence-pending' | 'fence-failed';

/** One profile in a store. Immutable: a change replaces it. */
export interface Entry {
  readonly account: AccountId;
  readonly identity: 'account' | 'profile';
  readonly shape: EntryShape;
  readonly access?: Secret | undefined;
  readonly refresh?: Secret | undefined;
  /** The refresh token that a fence says is being spent. */
  readonly spends?: Secret | undefined;
  /** By the clock of whoever wrote it; null: never. */
  readonly expires: Instant | null;
  readonly issuedAt?: Instant | undefined;
  /** Stands for the profile's other fields: whatever of them changes, this changes. */
  readonly other: number;
}

/** An `auth-profiles.json`. */
export interface Store {
  readonly id: StoreId;
  profiles: Map<ProfileId, Entry>;
  /** Stands for order, last-good and fields nobody here knows. */
  other: number;
  /** OpenClaw's usage statistics, rewritten all the time. */
  usage: number;
  /** Marks of authmesh: its agent does not use these logins before they end, by the host's clock. */
  hold: SeenHold | undefined;
  /** What OpenClaw noted of each profile's use. */
  readonly uses: Map<ProfileId, ProfileUse & { readonly of: Fingerprint }>;
  /** `torn`: half a file. `foreign`: of a schema nobody here knows. */
  condition: 'whole' | 'torn' | 'foreign' | 'absent';
  readOnly: boolean;
  /** Whoever holds the lock file, until then. */
  lockedUntil: Instant;
  /** Bumped by every write, so that a reader notices. */
  version: number;
  /** The sum of its entries' digests, as it was at a version. */
  digested: { readonly version: number; readonly digest: number };
}

export interface Disk {
  readonly stores: Map<StoreId, Store>;
  full: boolean;
}

export function createStore(id: StoreId): Store {
  return {
    id,
    profiles: new Map(),
    other: 1,
    usage: 0,
    hold: undefined,
    uses: new Map(),
    condition: 'whole',
    readOnly: false,
    lockedUntil: 0,
    version: 0,
    digested: { version: 0, digest: 0 },
  };
}

/** A copy of a store's contents, as a backup keeps it. */
export type StoreImage = Pick<Store, 'other' | 'usage' | 'condition'> & { readonly profiles: Map<ProfileId, Entry> };

export function imageOf(store: Store): StoreImage {
  return { profiles: new Map(store.profiles), other: store.other, usage: store.usage, condition: store.condition };
}

export function restoreImage(store: Store, image: StoreImage): void {
  store.profiles = new Map(image.profiles);
  store.other = image.other;
  store.usage = image.usage;
  store.condition = image.condition;
  store.version++;
}

/** What a watcher compares of a profile: it moves with a credential, never with other fields. */
export function entryDigest(profile: ProfileId, entry: Entry): number {
  let digest = shapeCodes[entry.shape];
  digest = blend(digest, foldText(profile));
  digest = blend(digest, entry.access?.digest ?? 1);
  digest = blend(digest, entry.refresh?.digest ?? 2);
  return blend(digest, entry.expires === null ? 3 : entry.expires | 0);
}

/** The sum over the profiles, so that one profile's share can be exchanged. */
export function storeDigest(store: Store): number {
  if (store.condition !== 'whole') return store.condition === 'torn' ? -1 : store.condition === 'foreign' ? -2 : -3;
  const { version, profiles, digested } = store;
  if (digested.version === version) return digested.digest;
  let digest = 0;
  for (const [profile, entry] of profiles) digest = (digest + entryDigest(profile, entry)) >>> 0;
  for (const { usedAt = 0, failedAt = 0 } of store.uses.values()) digest = blend(digest, (usedAt + failedAt) | 0);
  if (store.hold) digest = blend(digest, store.hold.until | 0);
  store.digested = { version, digest };
  return digest;
}

const shapeCodes: Readonly<Record<EntryShape, number>> = {
  tokens: 11,
  empty: 13,
  implausible: 17,
  'fence-pending': 19,
  'fence-failed': 23,
};

function blend(digest: number, part: number): number {
  return (Math.imul(digest ^ part, 0x01000193) ^ (digest >>> 13)) >>> 0;
}

function foldText(text: string): number {
  let folded = 7;
  for (let index = 0; index < text.length; index++) folded = (Math.imul(folded, 31) + text.charCodeAt(index)) | 0;
  return folded >>> 0;
}
