import type { SeenProfile } from '@authmesh/agent/core/event';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { createProfile, editCredential, type ParsedStore, type ReadContext, withoutRefresh } from './auth-profiles.ts';
import type { Delivery } from './delivery.ts';

/** A store's text with a batch of deliveries in it. */
export interface Edited {
  readonly text: string | undefined;
  /** Whether each delivery met what it expected and went into the text. */
  readonly isApplied: readonly boolean[];
}

/** Edits what stands in a store for each delivery of a batch that meets what it expected. */
export function editAll(
  original: string | undefined,
  parsed: ParsedStore,
  batch: readonly Delivery[],
  context: ReadContext,
): Edited {
  const options = { localOffsetMs: context.clockOffsetMs };
  const written = new Map<ProfileId, Delivery>();
  let text = original;
  const isApplied = batch.map(delivery => {
    const { profile, credential, form } = delivery;
    const before = written.get(profile);
    // A repeated delivery (a crash may repeat one) finds its own credential there.
    const isThere = before ? isSameDelivery(before, delivery) : heldBy(parsed, delivery, context) !== undefined;
    if (isThere) return true;
    if (before || (!delivery.isNew && !meets(seenOf(parsed, profile), delivery))) return false;
    const edited = delivery.isNew
      ? createProfile(text, profile, credential, form, options)
      : text === undefined
        ? undefined
        : delivery.takesRefreshOnly
          ? withoutRefresh(text, profile)
          : editCredential(text, profile, credential, form, options);
    if (edited === undefined) return false;
    text = edited;
    written.set(profile, delivery);
    return true;
  });
  return { text, isApplied };
}

function isSameDelivery(a: Delivery, b: Delivery): boolean {
  return (
    a.form === b.form && a.credential.access === b.credential.access && a.credential.refresh === b.credential.refresh
  );
}

function seenOf(parsed: ParsedStore, profile: ProfileId): SeenProfile | undefined {
  return parsed.seen.state === 'readable' ? parsed.seen.profiles.find(seen => seen.profile === profile) : undefined;
}

/** Whether what was judged still stands there. */
function meets(seen: SeenProfile | undefined, { expected }: Delivery): boolean {
  return seen !== undefined && seen.access === expected.access && seen.refresh === expected.refresh;
}

/** The profile as it stands, if it has the delivery's credential in its form. */
export function heldBy(
  parsed: ParsedStore,
  { profile, credential, form }: Delivery,
  { fingerprint }: ReadContext,
): SeenProfile | undefined {
  const seen = seenOf(parsed, profile);
  if (seen?.health !== 'sound' || seen.access !== fingerprint(credential.access)) return undefined;
  if (form === 'bearer') return seen.refresh === undefined ? seen : undefined;
  return credential.refresh === undefined || seen.refresh === fingerprint(credential.refresh) ? seen : undefined;
}
