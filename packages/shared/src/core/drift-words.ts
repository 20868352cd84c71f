import type { DriftGroup } from './drift.ts';
import type { SecretForm } from './secret-reading.ts';

/*
 * What is wrong with a secret, in words: `status`, `drift`, `doctor` and alerts say the same.
 */

/** A place of a secret, as operators see it. */
interface Place {
  readonly node: string;
  readonly source: string;
}

/** How a secret compares, with its places by name. */
export interface WordedDrift {
  readonly groups: readonly (Pick<DriftGroup, 'count' | 'isMinority'> & { readonly nodes: readonly string[] })[];
  readonly variants: readonly SecretForm[];
  readonly stale: readonly Place[];
  readonly missing: readonly Place[];
  readonly unreadable: readonly (Place & { readonly reason: string })[];
}

/** `NAME differs: vps has another value than pc-a`, in parts. */
export interface DriftFault {
  readonly verb: string;
  /** What follows the verb, with what divides them. */
  readonly detail: string;
  readonly mend: string;
  /** Hosts that have to be looked at. */
  readonly where: readonly string[];
}

/** What is wrong with a secret called `name`; empty where nothing is. */
export function driftFaults(name: string, { groups, variants, stale, missing, unreadable }: WordedDrift): DriftFault[] {
  const faults: DriftFault[] = [];
  if (groups.length > 1) faults.push({ verb: 'differs', ...differenceOf(name, groups, variants) });
  for (const { node, source } of stale)
    faults.push({
      verb: 'is stale in process',
      detail: ` on ${node}: ${source} still has another value than what is stored there`,
      mend: 'restart it',
      where: [node],
    });
  for (const { node, source } of missing)
    faults.push({ verb: 'is missing', detail: ` on ${node} (${source})`, mend: 'set it there', where: [node] });
  for (const { node, source, reason } of unreadable)
    faults.push({
      verb: 'could not be read',
      detail: ` on ${node} (${source}): ${reason}`,
      mend: `make it readable for the agent of ${node}, or take it out of its agent.json`,
      where: [node],
    });
  return faults;
}

function differenceOf(
  name: string,
  groups: WordedDrift['groups'],
  variants: WordedDrift['variants'],
): Omit<DriftFault, 'verb'> {
  const [largest, ...others] = groups;
  const all = groups.map(placesOf).join(' / ');
  const minority = groups.filter(({ isMinority }) => isMinority);
  const where = (minority.length > 0 ? minority : groups).flatMap(({ nodes }) => nodes);
  const push = (from: string) => `authmesh-agent secret push ${quoted(name)} --from ${from}`;
  const isSplit = !largest || minority.length < others.length;
  const mend = isSplit ? push('NODE, a host that has the right one') : push(largest.nodes[0] ?? 'NODE');
  if (variants.length > 0)
    return { detail: `: the values are the same but for ${variants.join(' and ')} (${all})`, mend, where };
  if (isSplit) {
    const counts = groups.map(({ count }) => count).join(' against ');
    return { detail: `: ${counts}, no majority (${all})`, mend, where };
  }
  const isOne = minority.length === 1 && minority[0]?.count === 1;
  const have = isOne ? 'has' : 'have';
  const minorities = minority.map(placesOf).join(' and ');
  return { detail: `: ${minorities} ${have} another value than ${placesOf(largest)}`, mend, where };
}

function placesOf({ nodes, count }: WordedDrift['groups'][number]): string {
  return count > nodes.length ? `${nodes.join(', ')} and ${count - nodes.length} more` : nodes.join(', ');
}

/** A name as a shell takes it. */
function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
