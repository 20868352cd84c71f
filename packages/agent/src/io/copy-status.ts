import { decayOf } from '@authmesh/agent/core/decay';
import { waitsForOthers } from '@authmesh/agent/core/permit/recovery';
import type { AgentState } from '@authmesh/agent/core/state';
import { copyKey, type NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, never, second } from '@authmesh/shared/core/time';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';
import { type Evidence, evidenceOf, type LookedAt } from './evidence.ts';
import { type CopyState, copyCustody, copyState, isOver } from './login-states.ts';
import { heldSentence, lastSentence, turnSentence } from './pool-status.ts';

/** One store's copy of a login, as `status --json` prints it (CONTRACT.md). */
export interface CopyStatus {
  readonly node: string;
  /** Whether that host is connected, as far as this one knows; else the copy is what it last had. */
  readonly online: boolean;
  readonly store: string;
  readonly profile: string;
  readonly state: CopyState;
  readonly custody: 'bearer' | 'home' | 'full';
  readonly revision: number | null;
  readonly fingerprint: string | null;
  readonly reason: string;
  readonly seenAt: string | null;
  /** What the state rests on, and how old that is. */
  readonly evidence: Evidence;
  /** Of this host's own: it is healed when the other agents of its state folder have their login. */
  readonly comesLast?: boolean | undefined;
  /** Of this host's own: the turn that it waits for before it is healed. */
  readonly turn?: { readonly pool: string; readonly place: number; readonly etaSeconds: number } | undefined;
  /** Of this host's own: a restart would not find a usable login there, and nothing heals it. */
  readonly decay?: { readonly state: string; readonly reason: string } | undefined;
  /** Of this host's own: since when it waits for the fleet's login or to be judged, while connected. */
  readonly waitsSince?: string | undefined;
}

/** The fleet's hosts by id; this one counts as connected. */
export interface Roster {
  readonly names: ReadonlyMap<NodeId, string>;
  readonly online: ReadonlySet<NodeId>;
}

/** How a copy stands: this host's own as it is now, another's as the coordinator last told. */
export function copyStatus(
  state: AgentState,
  view: AccountView,
  copy: CopyView,
  { names, online }: Roster,
  at: Instant,
  lookedAt: LookedAt,
): CopyStatus {
  const current = copy.verdict === 'in-step';
  const key = copyKey(copy.store, copy.profile);
  const own = copy.node === state.self.node ? state.copies.get(key) : undefined;
  const claim = own && state.claims.byId.get(state.claims.byCopy.get(key) ?? 0);
  const isInLine = claim?.phase === 'waiting';
  const queued = isInLine ? claim.queued : undefined;
  const hold = own && state.holds.get(copy.store);
  const isHeld = hold?.profiles.includes(copy.profile) === true;
  const comesLast = own && !claim && copyState(copy) === 'stale' && waitsForOthers(state, own, at) ? true : undefined;
  return {
    node: names.get(copy.node) ?? copy.node,
    online: online.has(copy.node),
    store: copy.store,
    profile: copy.profile,
    state: isHeld ? 'held' : isInLine || comesLast ? 'waiting' : copyState(copy),
    custody: copyCustody(state, view, copy),
    revision: current ? (view.position?.revision ?? null) : null,
    fingerprint: copy.access ?? null,
    reason: isHeld
      ? heldSentence(hold.until, queued)
      : isInLine
        ? turnSentence(queued)
        : comesLast
          ? lastSentence
          : (copy.trouble ?? copy.why),
    seenAt: copy.seenAt > 0 ? iso(copy.seenAt) : null,
    evidence: evidenceOf(own, copy, lookedAt),
    comesLast,
    turn: queued && { pool: queued.pool, place: queued.place, etaSeconds: Math.ceil(queued.etaMs / second) },
    decay: own && !isOver(view, at - state.clockOffsetMs) ? decayOf(state, key, at) : undefined,
    waitsSince: own?.unsettledAt === undefined ? undefined : iso(own.unsettledAt),
  };
}

/** An instant as `status` prints it; one beyond what ISO text can say is the last that can. */
export function iso(instant: Instant): string {
  return new Date(Math.min(instant, never)).toISOString();
}
