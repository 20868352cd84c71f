import { driftFaults } from '@authmesh/shared/core/drift-words';
import { describeDuration } from '@authmesh/shared/node/duration';
import type { DriftView } from '@authmesh/shared/protocol/secrets';
import { iso } from './copy-status.ts';

/** A secret that hosts share, as `status` and `drift` show it. */
export interface DriftStatus {
  readonly name: string;
  readonly group?: string | undefined;
  readonly state: DriftView['state'];
  /** One for each value; `nodes` are not all, where `count` is higher. */
  readonly groups: DriftView['groups'];
  /** The values are the same but for this. */
  readonly variants: DriftView['variants'];
  /** Processes that still have another value than what is stored beside them. */
  readonly stale: readonly DriftPlace[];
  readonly missing: readonly DriftPlace[];
  readonly unreadable: readonly (DriftPlace & { readonly reason: string })[];
  /** Hosts that are away: what counts of them is what they told last. */
  readonly away: readonly string[];
  readonly since: string | null;
  readonly compared: number;
  readonly declared: number;
  /** How its rotation stands, where some host can rotate it. */
  readonly rotation?: RotationStatus | undefined;
}

/** Times as ISO text. */
export interface RotationStatus extends Omit<RotationView, 'since' | 'rotatedAt' | 'failed'> {
  readonly since: string;
  readonly rotatedAt: string;
  readonly failed?: { readonly at: string; readonly why: string } | undefined;
}

type RotationView = NonNullable<DriftView['rotation']>;

interface DriftPlace {
  readonly node: string;
  readonly source: string;
  readonly since: string;
}

/** The coordinator's view in words of this program. */
export function driftStatus({ since, stale, missing, unreadable, rotation, ...view }: DriftView): DriftStatus {
  const place = ({ node, source, since: at }: DriftView['missing'][number]) => ({ node, source, since: iso(at) });
  return {
    ...view,
    stale: stale.map(place),
    missing: missing.map(place),
    unreadable: unreadable.map(one => ({ ...place(one), reason: one.why })),
    since: since === null ? null : iso(since),
    rotation: rotation && rotationStatus(rotation),
  };
}

function rotationStatus({ since, rotatedAt, failed, ...view }: RotationView): RotationStatus {
  return {
    ...view,
    since: iso(since),
    rotatedAt: iso(rotatedAt),
    failed: failed && { ...failed, at: iso(failed.at) },
  };
}

/** Something that is wrong with a secret, and what mends it. */
export interface DriftProblem {
  readonly what: string;
  readonly mend: string;
}

/** What is wrong with a secret; empty where nothing is. */
export function driftProblems(drift: DriftStatus, now: number): DriftProblem[] {
  const { name, group, since } = drift;
  const secret = group === undefined ? name : `${name} (${group})`;
  return driftFaults(name, drift).map(({ verb, detail, mend }) => {
    const age = verb !== 'differs' || since === null ? '' : ` for ${describeDuration(now - Date.parse(since))}`;
    return { what: `${secret} ${verb}${age}${detail}`, mend };
  });
}

/** A problem and its cure in one sentence. */
export function driftSentence({ what, mend }: DriftProblem): string {
  return `${what}; ${mend}`;
}

/** `12 of 12 compared`, and where something could not be. */
export function coverageSentence(drift: readonly DriftStatus[]): string {
  const { compared, declared, unreadable } = coverageOf(drift);
  const byNode = new Map<string, number>();
  for (const { node } of unreadable) byNode.set(node, (byNode.get(node) ?? 0) + 1);
  const unread = [...byNode].map(([node, count]) => `${count} could not be read on ${node}`);
  return [`${compared} of ${declared} compared`, ...unread].join('; ');
}

/** What was looked at, of what hosts declare. */
export function coverageOf(drift: readonly DriftStatus[]): {
  readonly compared: number;
  readonly declared: number;
  readonly unreadable: readonly { readonly node: string; readonly name: string; readonly reason: string }[];
} {
  const sum = (field: 'compared' | 'declared') => drift.reduce((total, one) => total + one[field], 0);
  return {
    compared: sum('compared'),
    declared: sum('declared'),
    unreadable: drift.flatMap(({ name, unreadable }) => unreadable.map(({ node, reason }) => ({ node, name, reason }))),
  };
}
