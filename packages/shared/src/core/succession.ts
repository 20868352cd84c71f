import type { AcceptedWhy } from './freshness.ts';
import type { Fingerprint, NodeId } from './identifiers.ts';
import type { Candidate, Lineage, Prints, Revision } from './lineage.ts';
import type { Position } from './position.ts';

/** What the coordinator adds to a candidate that it accepts. */
export interface Acceptance {
  readonly why: AcceptedWhy;
  readonly position: Position;
  readonly generation: number;
}

/**
 * The lineage after a candidate was accepted: the former current one and all that stood between them become ancestors,
 * their refresh tokens spent. What is current is never its own ancestor (an operator's `restore` takes one back).
 */
export function succeed(lineage: Lineage, candidate: Candidate, acceptance: Acceptance): Lineage {
  const { current } = lineage;
  const ancestors = new Set(lineage.ancestors);
  const spent = new Set(lineage.spent);
  for (const replaced of replacedBy(candidate, current)) {
    ancestors.add(replaced.access);
    // Without a new refresh token nothing says that the old one was used up.
    if (replaced.refresh !== undefined && candidate.refresh !== undefined) spent.add(replaced.refresh);
  }
  // A predecessor that was replaced by a bearer copy first: its refresh token is known to be used up only now.
  for (const { access, refresh } of candidate.chain) {
    if (refresh !== undefined && candidate.refresh !== undefined && ancestors.has(access)) spent.add(refresh);
  }
  ancestors.delete(candidate.access);
  if (candidate.refresh !== undefined) spent.delete(candidate.refresh);
  return { current: nextRevision(current, candidate, acceptance), ancestors, spent };
}

/**
 * The former current one and what stood in that store after it; all that stood there before, when the store never had
 * the current one: the candidate came after those, too, and outlives them. Where the candidate itself stood there before,
 * what came after that may well be its successor: somebody put an old file back, or took one away again.
 */
function* replacedBy(candidate: Candidate, current: Revision | undefined): Iterable<Prints> {
  const sinceOwn = candidate.chain.findIndex(link => link.access === candidate.access) + 1;
  if (!current) {
    yield* candidate.chain.slice(sinceOwn);
    return;
  }
  yield current;
  // The same login, completed or sealed anew: the lineage does not move, and says nothing of what stood there before.
  if (candidate.access === current.access) return;
  const known = candidate.chain.findIndex(link => link.access === current.access);
  yield* candidate.chain.slice(sinceOwn, known < 0 ? undefined : known);
}

function nextRevision(current: Revision | undefined, candidate: Candidate, acceptance: Acceptance): Revision {
  const { access, refresh, expiresAt, issuedAt, announced } = candidate;
  // Whoever completes a login has its refresh token; else its home is where the fleet has known it to be.
  const known = acceptance.why === 'completed' ? undefined : announced?.home;
  // Where the store of before and the fleet of later name two homes, the one that has the refresh token seals it anew.
  const isMoved = acceptance.why === 'resealed' && refresh !== undefined && known !== current?.home;
  const home = isMoved ? candidate.node : known;
  return {
    access,
    refresh,
    expiresAt,
    issuedAt,
    position: acceptance.position,
    recoveredFrom: recoveredFrom(current, candidate, acceptance),
    generation: acceptance.generation,
    origin: candidate.node,
    home: home ?? homeOf(current, candidate),
  };
}

/** What others report from before the store was put back is compared with this: places given since say nothing of it. */
function recoveredFrom(
  current: Revision | undefined,
  { access, announced }: Candidate,
  { why }: Acceptance,
): Position | undefined {
  if (why === 'first' || why === 'recovered') return announced?.position;
  return access === current?.access ? current.recoveredFrom : undefined;
}

/** A login's home is where it was last logged in or refreshed: where its refresh token was seen to change. */
function homeOf(current: Revision | undefined, { node, refresh }: Candidate): NodeId {
  const isUnchanged = refresh === undefined || refresh === current?.refresh;
  return current && isUnchanged ? current.home : node;
}

/** The lineage of an account that no node has reported yet. */
export function emptyLineage(): Lineage {
  return { ancestors: new Set<Fingerprint>(), spent: new Set<Fingerprint>() };
}
