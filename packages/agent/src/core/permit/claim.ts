import type { CopyKey, StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Claimant, LimitSignal, PermitOutcome, Queued } from '@authmesh/shared/protocol/permit';
import type { ProfileUse } from '../event.ts';
import type { OpenaiName } from '../naming.ts';
import type { AgentState } from '../state.ts';

/**
 * A request for the right to bring sessions back, and what came of it. Moments are by the elapsed clock where nothing
 * else is said: it counts the host's sleep and is never slow, so nothing is begun under a permit that may have ended.
 *
 *     waiting ──granted──► granted ──written, started──► settling ──back, failed, time──► settled ──told──► gone
 *        ▲                    │ until
 *        └──────lapsed────────┘
 */
export interface Claim {
  readonly id: number;
  readonly claimant: Claimant;
  readonly sessions: number;
  /** How long they take to come back, where that is not the pool's own settle time. */
  readonly settleMs?: Milliseconds | undefined;
  /** The copy whose recovery it is for, or that was last recovered under it; absent for a command. */
  readonly copy?: CopyKey | undefined;
  readonly phase: 'waiting' | 'granted' | 'settling' | 'settled';
  /** When it was first asked for. */
  readonly since: Milliseconds;
  readonly permit?: HeldPermit | undefined;
  /** While it waits: what the coordinator said last. */
  readonly queued?: Omit<Queued, 'id'> | undefined;
  /** What OpenClaw had noted of the login's use when the sessions were let go: what it notes later is of them. */
  readonly useBefore?: ProfileUse | undefined;
  /** When they count as back if nothing better says so; by the clock that is never fast, for a place is given away then. */
  readonly settlesAt?: Milliseconds | undefined;
  /** Of a command: it ended well. */
  readonly hasRun?: boolean | undefined;
  /** How often its health command was begun. */
  readonly checks?: number | undefined;
  readonly outcome?: PermitOutcome | undefined;
  readonly why?: string | undefined;
  /** The report that first told the outcome. */
  readonly toldIn?: number | undefined;
  /** Of a command: when it last asked how it stands, by the clock that stands still while it sleeps. One that does not ask any more is gone. */
  readonly askedAt?: Milliseconds | undefined;
  /** It lets an agent go that is held back. */
  readonly liftsHold?: boolean | undefined;
  /** Of a command that starts more sessions than may come back: how many, and how many agents were held back for that. */
  readonly starts?: number | undefined;
  readonly held?: number | undefined;
  /** Why it is never granted; or, once it has its permit, why the command does not run all the same. */
  readonly refusal?: Refusal | undefined;
}

/** Why a command gets no permits. `isPassing`: the same may be had later. */
export interface Refusal {
  readonly why: string;
  readonly isPassing: boolean;
}

export interface HeldPermit {
  readonly pool: string;
  readonly epoch: number;
  /** Nothing is begun under it whose settle time does not end by then. */
  readonly until: Milliseconds;
  readonly settleMs: Milliseconds;
  readonly healthCommand?: string | undefined;
}

/** What of a host's layout says how many sessions a delivery wakes. */
export interface StoreLayout {
  /** Sessions that its own agent opens. */
  readonly sessions: number;
  /** Those of all agents whose stores are links to the same file, where that is so. */
  readonly together?: number | undefined;
  /** The store that its agent falls back to; its own path where it is that store. */
  readonly fallback: StoreId;
  /** It is a link to the file that the others fall back to. */
  readonly isFallback?: boolean | undefined;
  /** OpenClaw runs no more of a gateway's agents at once (`agents.defaults.maxConcurrent`). */
  readonly concurrentMax?: number | undefined;
  /** Why its agent cannot be held back by marks of its own; absent where it can. */
  readonly noHold?: string | undefined;
  /** What its OpenClaw calls OpenAI's subscription logins, where that is known. */
  readonly openaiName?: OpenaiName | undefined;
}

export interface ClaimsState {
  /** Names this run of the agent. */
  readonly run: string;
  readonly byId: Map<number, Claim>;
  readonly byCopy: Map<CopyKey, number>;
  nextId: number;
  nextNumber: number;
  /** When each report was sent that may still be answered, oldest first. */
  readonly sent: { readonly number: number; readonly at: Milliseconds }[];
  /** Limits of the provider that were seen and not told yet. */
  signals: LimitSignal[];
  /** Something changed that the coordinator has not been told. */
  isNews: boolean;
  renewAt: Milliseconds;
  timerAt?: Milliseconds | undefined;
}

/** How often claims are told again while there are any. */
export const renewalMs: Milliseconds = 5 * second;
/** Reports whose moment of sending is kept. */
export const sentReportsMax = 32;
/** A command that has not asked for so long is gone; it asks every second. */
export const abandonedMs: Milliseconds = 10 * second;

/** How long the coordinator may take to answer before a claim is taken for one that waits. */
const answerMsMax: Milliseconds = second;

/** Whether a claim stands in line, and was not just asked for: most are granted with the first answer. */
export function isInLine({ phase, queued, since }: Claim, now: Milliseconds): boolean {
  return phase === 'waiting' && (queued !== undefined || now - since > answerMsMax);
}

export function createClaims(run: string): ClaimsState {
  return {
    run,
    byId: new Map(),
    byCopy: new Map(),
    nextId: 1,
    nextNumber: 1,
    sent: [],
    signals: [],
    isNews: false,
    renewAt: 0,
  };
}

/** Whether what is begun now settles before the permit ends. */
export function fits({ permit }: Claim, now: Milliseconds): boolean {
  return permit !== undefined && now + permit.settleMs <= permit.until;
}

/** Replaces a claim; what changed is told. */
export function putClaim(claims: ClaimsState, claim: Claim): void {
  claims.byId.set(claim.id, claim);
  claims.isNews = true;
}

/** Forgets a claim: a report without it gives it up. */
export function dropClaim(claims: ClaimsState, claim: Claim): void {
  claims.byId.delete(claim.id);
  release(claims, claim);
  claims.isNews = true;
}

/** Ends a claim with what came of it; the next recovery of the same copy asks anew. */
export function settleClaim(claims: ClaimsState, claim: Claim, outcome: PermitOutcome, why?: string): void {
  release(claims, claim);
  putClaim(claims, { ...claim, phase: 'settled', outcome, why });
}

/** Several logins of one store may come back under one claim. */
function release({ byCopy }: ClaimsState, { id }: Claim): void {
  for (const [copy, claim] of byCopy) if (claim === id) byCopy.delete(copy);
}

/** Whether sessions may be coming back already, whatever the coordinator knows of it: a write is under way, or done. */
export function hasBegun(state: Begun, claim: Claim): boolean {
  return claim.phase === 'settling' || (claim.phase === 'granted' && isWriting(state, claim));
}

type Begun = Pick<AgentState, 'copies' | 'claims' | 'holds'>;

/** Whether a delivery under this claim is under way, or the lifting of a hold. */
export function isWriting({ copies, claims, holds }: Begun, { id, claimant, liftsHold }: Claim): boolean {
  if (liftsHold && claimant.type === 'store' && holds.get(claimant.store)?.writing === 'lift') return true;
  for (const [key, claim] of claims.byCopy) {
    const writing = claim === id ? copies.get(key)?.writing : undefined;
    if (writing && !writing.takesRefreshOnly) return true;
  }
  return false;
}
