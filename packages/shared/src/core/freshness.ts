import type { Fingerprint } from './identifiers.ts';
import type { Candidate, Lineage, Revision } from './lineage.ts';
import { comparePositions } from './position.ts';
import { type Instant, isUsable, minute } from './time.ts';

/**
 * Freshness is lineage, not the clock (DESIGN §6).
 *
 * `adjudicate` places a credential that a node saw relative to an account's lineage. Expiry decides whether a
 * credential is usable, never which of two is the newer; no host's wall clock and no file's time takes part.
 *
 *     equal to the current one ─────────────────────────── in-step (completes, if it brings the missing refresh token)
 *     chosen by an operator at a later position ────────── accepted: the coordinator's store is older than that
 *     a known ancestor, or its refresh token is spent ──── stale
 *     identity too weak to compare ─────────────────────── unlinked
 *     announced before at a later position ─────────────── accepted: the coordinator's store is older than its fleet
 *     dead, and the current one never ends ─────────────── stale
 *     grew out of the current one, not issued earlier ──── accepted
 *     the issuer says later / earlier ──────────────────── accepted / stale
 *     alive, and the current one is dead or spent ──────── accepted
 *     dead, and the current one is alive ───────────────── stale
 *     anything else ────────────────────────────────────── parallel
 */
export type Verdict =
  | { readonly kind: 'in-step'; readonly why: 'same' }
  | { readonly kind: 'accepted'; readonly why: AcceptedWhy }
  | { readonly kind: 'stale'; readonly why: 'ancestor' | 'spent' | 'issued-earlier' | 'dead' }
  | { readonly kind: 'parallel'; readonly why: 'order-unknown' }
  | { readonly kind: 'unlinked'; readonly why: 'identity-unknown' };

export type AcceptedWhy =
  | 'first'
  | 'completed'
  | 'successor'
  | 'issued-later'
  | 'current-dead'
  | 'recovered'
  | 'resealed'
  | 'renewed'
  | 'restored';

/** How much earlier an expiry must be to say something: two good clocks and a slow request differ by less. */
const expirySlackMs = minute;

/** Judges what a node saw. Pure and total; see the table above. */
export function adjudicate(lineage: Lineage, candidate: Candidate, now: Instant): Verdict {
  const { current } = lineage;
  if (!current) return { kind: 'accepted', why: 'first' };
  if (candidate.access === current.access) {
    return completes(lineage, current, candidate)
      ? { kind: 'accepted', why: 'completed' }
      : { kind: 'in-step', why: 'same' };
  }
  const issued = compareIssueTimes(candidate, current);
  const isRecovered = isAnnouncedLater(candidate, current, issued);
  // To the store that was put back it may be an ancestor: what the operator did came after that.
  if (isRecovered && candidate.announced?.restored) return { kind: 'accepted', why: 'recovered' };
  const isBack = wentBack(candidate, current.access);
  const isLater = isRecovered || isIssuedLater(issued, candidate, current);
  if (lineage.ancestors.has(candidate.access) || (isBack && !isLater)) return { kind: 'stale', why: 'ancestor' };
  if (isSpent(lineage, candidate.refresh)) return { kind: 'stale', why: 'spent' };
  if (!candidate.linked) return { kind: 'unlinked', why: 'identity-unknown' };
  if (isRecovered) return { kind: 'accepted', why: 'recovered' };
  const currentAlive = isUsable(current.expiresAt, now) && !isSpent(lineage, current.refresh);
  const isDead = !isUsable(candidate.expiresAt, now);
  // Without an end of its own nothing but this tells the living one from an old file.
  if (isDead && currentAlive && current.expiresAt === null && !isIssuedLater(issued, candidate, current)) {
    return { kind: 'stale', why: 'dead' };
  }
  // A store that held the candidate before and after the current one shows no order.
  if (!isBack && growsFrom(candidate, current.access) && !isIssuedEarlier(issued, candidate, current)) {
    return { kind: 'accepted', why: 'successor' };
  }
  if (issued !== undefined && issued !== 0) {
    return issued > 0 ? { kind: 'accepted', why: 'issued-later' } : { kind: 'stale', why: 'issued-earlier' };
  }
  // What ends within the slack has ended by another clock: the fleet would go to it and back as hosts report it.
  const alive = isUsable(candidate.expiresAt, now + expirySlackMs);
  if (alive && !currentAlive) return { kind: 'accepted', why: 'current-dead' };
  if (currentAlive && isDead) return { kind: 'stale', why: 'dead' };
  // Two dead ones are parallel as well: either may still hold a refresh token that lives.
  return { kind: 'parallel', why: 'order-unknown' };
}

/**
 * The fleet had it after the current one, before the coordinator's store was put back from a backup. Places that the
 * store has given since say little: the issuer's dates say more, and an operator's word goes above both.
 */
function isAnnouncedLater({ announced }: Candidate, current: Revision, issued: number | undefined): boolean {
  if (!announced || comparePositions(announced.position, current.recoveredFrom ?? current.position) <= 0) return false;
  return announced.restored === true || issued === undefined || issued >= 0;
}

/** Whether a store's earlier contents show that the candidate came after the credential `access`. */
function growsFrom(candidate: Candidate, access: Fingerprint): boolean {
  return candidate.chain.some(link => link.access === access);
}

/** The store itself once moved on from the candidate and held the current one after it: an old file came back. */
function wentBack({ access, chain }: Candidate, current: Fingerprint): boolean {
  const own = chain.findIndex(link => link.access === access);
  const known = chain.findIndex(link => link.access === current);
  return known >= 0 && own > known;
}

/** The current revision came without its refresh token (from a bearer copy), and here is the store that has it. */
function completes(lineage: Lineage, current: Revision, candidate: Candidate): boolean {
  return current.refresh === undefined && candidate.refresh !== undefined && !lineage.spent.has(candidate.refresh);
}

function isSpent(lineage: Lineage, refresh: Fingerprint | undefined): boolean {
  return refresh !== undefined && lineage.spent.has(refresh);
}

/** Positive when the issuer's own times say that the candidate is the later one; undefined when they say nothing. */
function compareIssueTimes(candidate: Candidate, current: Revision): number | undefined {
  if (candidate.issuedAt === undefined || current.issuedAt === undefined) return undefined;
  return candidate.issuedAt - current.issuedAt;
}

/** Guards the succession in one store against an old file: issuer time where both have it, else the expiry. */
function isIssuedEarlier(issued: number | undefined, candidate: Candidate, current: Revision): boolean {
  if (issued !== undefined) return issued < 0;
  const { expiresAt } = candidate;
  return expiresAt !== null && endsOf(candidate, current).every(end => end !== null && expiresAt + expirySlackMs < end);
}

/** Guards a login that was put back against being taken for an old file, in the same way. */
function isIssuedLater(issued: number | undefined, candidate: Candidate, current: Revision): boolean {
  if (issued !== undefined) return issued > 0;
  const { expiresAt } = candidate;
  return expiresAt !== null && endsOf(candidate, current).every(end => end !== null && expiresAt > end + expirySlackMs);
}

/**
 * When the current one ends, as the fleet has it and as the candidate's own store had it. One of two clocks may have been
 * set since one of them was told, the coordinator's or that host's: only what both show says anything of the order.
 */
function endsOf({ chain }: Candidate, { access, expiresAt }: Revision): readonly (Instant | null)[] {
  const own = chain.find(held => held.access === access)?.expiresAt;
  return own === undefined ? [expiresAt] : [expiresAt, own];
}
