import type { Instant, Milliseconds } from '../time.ts';

/** What can be wrong. Names are stable: `mute` and the rules of operators are built on them. */
export const conditionKinds = [
  'expiring',
  'expired',
  'needs-login',
  'in-doubt',
  'conflict',
  'quarantined',
  'drift',
  'node-silent',
  'wave-halted',
  'rotation-failed',
  'store-refused',
  'coordinator-away',
] as const;
export type ConditionKind = (typeof conditionKinds)[number];

/** Hosts that one condition names. */
export const wheresNamed = 20;

/** `critical`: something stands still, or will within the hour. */
export type Severity = 'warning' | 'critical';

/** Something that is wrong now, of one subject: an account, a secret, a host, a pool, the coordinator. */
export interface Condition {
  /** `login/openai/acct_1`, `secret/NAME`, `node/t440`, `pool/web`, `coordinator`: one incident at a time for each. */
  readonly id: string;
  readonly kind: ConditionKind;
  readonly severity: Severity;
  /** One line, without times or counts that change by themselves: a change of it is told. */
  readonly what: string;
  /** More of it; a change of this alone is not told. */
  readonly why: string;
  /** Hosts, by name; at most {@link wheresNamed}. */
  readonly where: readonly string[];
  readonly since: Instant;
  /** What it breaks. */
  readonly breaks: string;
  /** What mends it. */
  readonly mend: string;
}

/** A condition through time: opened, changed, resolved. */
export interface Incident extends Condition {
  readonly state: 'open' | 'resolved';
  readonly openedAt: Instant;
  readonly resolvedAt: Instant | null;
  /** Rises with everything that is worth telling: `id` and `version` name a message. */
  readonly version: number;
  /** How often it has come back shortly after it went away. */
  readonly returns: number;
  /** Who has seen it: changes are told no more, unless it gets worse or ends. */
  readonly acknowledged: { readonly by: string; readonly at: Instant } | null;
}

/** What a channel is told at once: one incident, or more than a reader can follow one by one. */
export interface AlertMessage {
  readonly event: 'opened' | 'changed' | 'resolved' | 'digest';
  /** Worst first; one, unless it is a digest. */
  readonly incidents: readonly Incident[];
}

/** A pattern over ids and kinds that nobody is told of for a while. */
export interface Mute {
  readonly pattern: string;
  readonly until: Instant;
  /** Whose host asked for it. */
  readonly by: string;
}

/** Whether a channel took a message; `why` holds nothing of what the receiver answered. */
export type TellOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly retryAfterMs?: Milliseconds | undefined };

/** Worst first. */
export function compareSeverity(one: Pick<Condition, 'severity'>, other: Pick<Condition, 'severity'>): number {
  return Number(other.severity === 'critical') - Number(one.severity === 'critical');
}
