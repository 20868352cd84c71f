import type { SeenProfile } from '@authmesh/agent/core/event';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { isUsable } from '@authmesh/shared/core/time';
import { createProfile, editCredential, type ParsedStore, type ReadContext, withoutRefresh } from './auth-profiles.ts';
import { liftHold, placeHold } from './formats/hold-mark.ts';
import { type Delivery, isDelivery, type Marking, type StoreChange } from './store-change.ts';

/** A store's text with a batch of changes in it. */
export interface Edited {
  readonly text: string | undefined;
  /** Whether each change met what it expected and went into the text. */
  readonly isApplied: readonly boolean[];
}

/** Edits what stands in a store for each change of a batch that meets what it expected. */
export function editAll(
  original: string | undefined,
  parsed: ParsedStore,
  batch: readonly StoreChange[],
  context: ReadContext,
): Edited {
  const options = { localOffsetMs: context.clockOffsetMs };
  const written = new Map<ProfileId, Delivery>();
  let text = original;
  const isApplied = batch.map(delivery => {
    if (!isDelivery(delivery)) {
      text = text === undefined ? undefined : withMarks(text, delivery, context);
      return text !== undefined;
    }
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

function withMarks(text: string, { hold }: Marking, { now }: ReadContext): string {
  return hold ? placeHold(text, hold.profiles, hold.until, now) : liftHold(text);
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
  { profile, credential, form, takesRefreshOnly }: Delivery,
  { fingerprint, now, clockOffsetMs }: ReadContext,
): SeenProfile | undefined {
  const seen = seenOf(parsed, profile);
  if (seen?.health !== 'sound' || seen.access !== fingerprint(credential.access)) return undefined;
  // The login is there, and its store takes it for ended: OpenClaw would not use it.
  const isEnded = !isUsable(seen.expiresAt, now) && isUsable(credential.expiresAt, now - clockOffsetMs);
  if (isEnded && !takesRefreshOnly) return undefined;
  if (form === 'bearer') return seen.refresh === undefined ? seen : undefined;
  return credential.refresh === undefined || seen.refresh === fingerprint(credential.refresh) ? seen : undefined;
}
