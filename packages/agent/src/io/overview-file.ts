import { join } from 'node:path';
import type { AgentState } from '@authmesh/agent/core/state';
import { minute } from '@authmesh/shared/core/time';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { answerBody } from '@authmesh/shared/protocol/answer';
import { instant } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

type KnownOverview = NonNullable<AgentState['overview']>;

const overviewFile = z.object({ body: answerBody, at: instant });

/** Its name in the agent's home. */
export const overviewFileName = 'overview.json';

function pathOf(home: string): string {
  return join(home, overviewFileName);
}

/** Often enough for the names of hosts, seldom enough for a `status --watch`. */
const keepIntervalMs = minute;

/** Keeps what the coordinator last told of the fleet, so that `status` has names for hosts while it is away. */
export function createOverviewKeeper(home: string): (overview: KnownOverview) => Promise<void> {
  let keptAt = 0;
  return async overview => {
    if (overview.at - keptAt < keepIntervalMs) return;
    keptAt = overview.at;
    // A convenience: a full disk takes nothing else with it.
    await writePrivateJson(pathOf(home), overview).catch(() => {});
  };
}

/** The fleet as it was last told; undefined when it never was, or in another form. */
export async function readOverview(home: string): Promise<KnownOverview | undefined> {
  const file = await readPrivateJson(pathOf(home), overviewFile).catch((error: unknown) => {
    if (error instanceof AuthmeshError) return undefined;
    throw error;
  });
  return file?.body.type === 'overview' ? { body: file.body, at: file.at } : undefined;
}
