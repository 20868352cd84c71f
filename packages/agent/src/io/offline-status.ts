import { type HostPlaces, readDiskState } from './disk-state.ts';
import { findWriteTrouble } from './home-check.ts';
import { type Status, statusOf } from './status-view.ts';

/** What is on this host's disk while its daemon is away: the journal's memory and the stores as they stand. */
export async function readOfflineStatus(from: HostPlaces): Promise<Status> {
  const { state, directories } = await readDiskState(from);
  const problem = await findWriteTrouble(from.home);
  const now = Date.now();
  return statusOf(state, now, directories, { path: from.home, problem }, () => now);
}
