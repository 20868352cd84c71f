import { readOverview } from '@authmesh/agent/io/overview-file';
import { describeDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { withCoordinator } from './command-session.ts';
import type { OpenedHome } from './home.ts';

/** The pools of the fleet, and where they were learnt from, if not from the coordinator this moment. */
export interface KnownPools {
  readonly pools: readonly PoolView[];
  /** For the operator: that they are as they once were. */
  readonly caveat?: string | undefined;
}

/** The pools as the coordinator says; while it is away, as it last told this host. Throws when it never did. */
export async function readPools(opened: OpenedHome): Promise<KnownPools> {
  try {
    const { pools } = await withCoordinator(opened.identity, opened.settings.coordinators, session =>
      session.ask({ type: 'pools' }, 'pools'),
    );
    return { pools };
  } catch (error) {
    if (!(error instanceof AuthmeshError) || error.code !== 'ERR_COORDINATOR_UNREACHABLE') throw error;
    const overview = await readOverview(opened.home);
    if (!overview) throw error;
    const age = describeDuration(Date.now() - overview.at);
    return { pools: overview.body.pools, caveat: `${operatorSentence(error)} The limits are those of ${age} ago.` };
  }
}

/** The pool of this name. Throws `ERR_USAGE` naming those that there are. */
export function findPool(pools: readonly PoolView[], name: string): PoolView {
  const found = pools.find(pool => pool.name === name);
  if (found) return found;
  const names = pools.map(pool => pool.name).join(', ');
  throw new AuthmeshError('ERR_USAGE', `there is no pool "${name}"`, {
    hint: names === '' ? 'the coordinator’s configuration has none' : `the coordinator knows ${names}`,
  });
}
