import type { AgentState } from '@authmesh/agent/core/state';
import { beatIntervalMs } from '@authmesh/shared/core/heartbeat';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';

/** It answers every beat: two of them without an answer, and a little more. */
const quietMsMax: Milliseconds = 2 * beatIntervalMs + 5 * second;

/** Whether the coordinator is there, and since when that is so, by this host's clock (0: since ever). */
export function linkStatus(
  { link, lastHeard }: Pick<AgentState, 'link' | 'lastHeard'>,
  at: Instant,
): { readonly connected: boolean; readonly since: Instant } {
  // A frozen coordinator keeps its socket open: what counts is that it was heard.
  const isQuiet = at - lastHeard > quietMsMax;
  const connected = link.phase === 'online' && !isQuiet;
  return { connected, since: link.phase === 'online' && isQuiet ? lastHeard : link.since };
}
