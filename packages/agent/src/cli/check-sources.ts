import type { AgentState } from '@authmesh/agent/core/state';
import type { Status } from '@authmesh/agent/io/status-view';
import { copyKey, type Fingerprint, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { second } from '@authmesh/shared/core/time';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import type { Overview } from '@authmesh/shared/protocol/overview';
import { withCoordinator } from './command-session.ts';
import type { OpenedHome } from './home.ts';

/** What others know of this host's stores besides the disk. */
export interface CheckSources {
  /** Undefined: the daemon does not run. */
  readonly daemon?: Status | undefined;
  /** Undefined: the coordinator is away. */
  readonly overview?: Overview | undefined;
  /** For the operator: who could not be asked, and what the answer rests on. */
  readonly caveat?: string | undefined;
}

/** A start of a service waits for it. */
const patienceMs = 3 * second;

/** Asks the daemon and the coordinator, as far as they are there. */
export async function askSources({ home, identity, settings }: OpenedHome): Promise<CheckSources> {
  let unanswered = '';
  const [daemon, overview] = await Promise.all([
    askControl({ home, request: { op: 'status' }, timeoutMs: patienceMs }).catch(unreachable),
    withCoordinator(
      identity,
      settings.coordinators,
      session => session.ask({ type: 'overview' }, 'overview'),
      patienceMs,
    ).catch((error: unknown) => {
      if (!(error instanceof AuthmeshError)) throw error;
      unanswered = operatorSentence(error);
      return undefined;
    }),
  ]);
  const rest = daemon ? 'from disk and what the daemon knows' : 'from disk alone';
  const caveat = overview ? undefined : `${unanswered} This is decided ${rest}.`;
  // The daemon of the same package: its answer is of this type.
  return { daemon: daemon as Status | undefined, overview, caveat };
}

function unreachable(error: unknown): undefined {
  if (error instanceof AuthmeshError) return undefined;
  throw error;
}

/** Takes over which of the logins that stand on disk were judged to be old ones. */
export function applyJudgements(state: AgentState, { daemon, overview }: CheckSources): void {
  for (const { copies } of overview?.accounts ?? state.overview?.body.accounts ?? []) {
    for (const { node, store, profile, access, verdict, why } of copies) {
      if (node === state.self.node && verdict === 'stale') setStale(state, store, profile, access, why);
    }
  }
  for (const { copies } of daemon?.accounts ?? []) {
    for (const { node, store, profile, fingerprint, state: stands, reason } of copies) {
      if (node !== daemon?.node.name || stands !== 'stale' || fingerprint === null) continue;
      setStale(state, store as StoreId, profile as ProfileId, fingerprint as Fingerprint, reason);
    }
  }
}

function setStale(
  state: AgentState,
  store: StoreId,
  profile: ProfileId,
  access: Fingerprint | undefined,
  why: string,
): void {
  const key = copyKey(store, profile);
  const copy = state.copies.get(key);
  if (!copy?.seen || access === undefined || copy.seen.access !== access) return;
  state.copies.set(key, { ...copy, judged: { access, verdict: 'stale', why } });
}
