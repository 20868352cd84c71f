import { poolViews } from '@authmesh/coordinator/core/pool/view';
import { copyKey } from '@authmesh/shared/core/identifiers';
import { hostClock } from '../host.ts';
import { runCommand } from '../restart.ts';
import { useLogin } from '../sessions.ts';
import { parseDuration } from './script.ts';
import { hostNamed, placeOf, type Stage, type Verb } from './stage.ts';

/** Verbs about sessions and their limits. */
export const sessionVerbs: Readonly<Record<string, Verb>> = {
  /** `pool NAME PATTERN limit=4 [settle=20s]`: before the coordinator starts. */
  pool: (stage, { words: [name = '', match = '*'], options }) => {
    const settleMs = parseDuration(options.get('settle') ?? '20s');
    stage.pools.push({ name, match: [match], limit: Number(options.get('limit') ?? 4), settleMs });
  },
  /** `use HOST PROFILE`: every agent of the host takes a turn; those that have a login that works are back. */
  use: (stage, { words: [name, profile = ''] }) => {
    const host = hostNamed(stage, name);
    for (const store of host.disk.stores.values()) {
      const place = placeOf(stage, [host.name, store.id.split('/').at(-3) ?? '', profile]);
      const entry = store.profiles.get(place.profile);
      if (entry) useLogin(stage.world, host, store, place.profile, entry);
    }
  },
  /** `exec HOST POOL sessions=N`: a command that starts sessions, under permits. */
  exec: (stage, { words: [name, pool = ''], options }) =>
    runCommand(stage.world, hostNamed(stage, name), pool, Number(options.get('sessions') ?? 1)),
  pools: showPools,
};

/** What the coordinator says of its pools, and which stores of each host are healed (`#`) and held back (`h`). */
function showPools({ world, lines }: Stage): void {
  const { process } = world.central;
  if (!process) {
    lines.push('the coordinator is down');
    return;
  }
  const now = world.now - process.startedAt;
  for (const { name, phase, live, limit, recovering, waiting } of poolViews(process.state.pools, now)) {
    lines.push(`pool ${name}: ${phase}, ${recovering} of ${live} come back, ${waiting} wait (limit ${limit})`);
  }
  for (const host of world.hosts) {
    const states = [...host.disk.stores.values()].flatMap(store =>
      [...store.profiles.keys()].map(profile => {
        if (store.hold && store.hold.until > hostClock(world, host)) return 'h';
        const copy = host.agent?.state.copies.get(copyKey(store.id, profile));
        const isCurrent = copy?.seen?.access === host.agent?.state.accounts.get(copy?.account ?? ('' as never))?.access;
        return isCurrent ? '#' : '.';
      }),
    );
    lines.push(`${host.name.padEnd(8)} ${states.join('')}`);
  }
}
