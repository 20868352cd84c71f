import type { LackedLogin } from '@authmesh/agent/io/status-view';

/** Logins of the fleet that a host lacks, with what puts them there: a command, or what has to be done first. */
export interface Lack {
  readonly profiles: readonly string[];
  readonly command?: string | undefined;
  readonly obstacle?: string | undefined;
}

/** One entry for those that can be adopted, one for each thing that is in the way of others. */
export function groupLacks(lacks: readonly LackedLogin[]): Lack[] {
  const byObstacle = new Map<string | undefined, string[]>();
  for (const { profile, obstacle } of lacks) {
    const profiles = byObstacle.get(obstacle) ?? [];
    byObstacle.set(obstacle, profiles);
    profiles.push(profile);
  }
  return [...byObstacle].map(([obstacle, profiles]) => {
    if (obstacle !== undefined) return { profiles, obstacle };
    // `--all` would try the others as well, and fail.
    const names = byObstacle.size === 1 ? '--all' : profiles.join(' ');
    return { profiles, command: `authmesh-agent adopt ${names}` };
  });
}
