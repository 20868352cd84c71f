import { setTimeout as wait } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { type ClaimReply, claimReply } from './control.ts';

export interface PermitRequest {
  readonly home: string;
  readonly pool: string;
  readonly sessions: number;
  /** How long the sessions take to come back, where that is not the pool's own settle time. */
  readonly settleMs?: Milliseconds | undefined;
  readonly timeoutMs?: Milliseconds | undefined;
  readonly signal: AbortSignal;
  /** Told where this host has more sessions in the pool than were asked for, and more than it allows. */
  readonly onUnsaid: (sessions: number) => void;
  /** Told at first, and when place or reason change. */
  readonly onWait: (state: ClaimReply) => void;
}

/** Permits that were granted to a command, and are counted from now on. */
export interface StartedClaim {
  /** Agents that are held back until their turn. */
  readonly held: number;
  /** The command has done its work: from now on a health command says whether its sessions are back. */
  readonly ran: () => Promise<void>;
  /** Gives the permits back before the settle time, with what came of the sessions; a daemon that is gone is no error. */
  readonly end: (outcome: 'failed' | 'unused', why: string) => Promise<void>;
}

/** Who does not ask for ten seconds is taken for gone. */
const askMs: Milliseconds = second;
/** Between permit and start only this host's own stores are written. */
const startMs: Milliseconds = 50;

/**
 * Waits until the daemon holds the permits, and says that the sessions start now. Throws `ERR_USAGE` (64) where they can
 * never be had, `ERR_NO_PERMIT` (75) when they are not had in time, `ERR_DAEMON_UNREACHABLE` (69); gives the request up
 * when `signal` says so, and resolves with nothing.
 */
export async function startUnderPermits(request: PermitRequest): Promise<StartedClaim | undefined> {
  const { home, pool, sessions, settleMs, timeoutMs, signal, onUnsaid, onWait } = request;
  const ask = async (control: object) => claimReply.parse(await askControl({ home, request: control }));
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  let state = await ask({ op: 'claim', pool, sessions, settleMs });
  const { claim } = state;
  if (state.unsaid !== undefined) onUnsaid(state.unsaid);
  const end = async (outcome: 'failed' | 'unused', why: string) => {
    await ask({ op: 'claim-ended', claim, outcome, why }).catch(() => undefined);
  };
  const ran = async () => {
    await ask({ op: 'claim-ran', claim }).catch(() => undefined);
  };
  for (let told = ''; ; state = await ask({ op: 'claim-state', claim })) {
    if (signal.aborted) {
      await end('unused', 'it was interrupted');
      return undefined;
    }
    if (state.phase === 'granted') state = await ask({ op: 'claim-started', claim });
    if (signal.aborted) continue;
    if (state.phase === 'settling') return { held: state.held ?? 0, ran, end };
    if (state.phase === 'not-now') {
      await end('unused', 'it was not had');
      throw new AuthmeshError('ERR_NO_PERMIT', `pool ${pool} gives no permits for ${sessions} now`, {
        hint: state.why,
      });
    }
    if (state.phase === 'refused' || state.phase === 'unknown') {
      await end('unused', 'it was refused');
      throw refusal(state);
    }
    const news = `${state.place} ${state.why}`;
    if (news !== told && state.phase === 'waiting') onWait(state);
    told = news;
    const left = deadline - performance.now();
    if (left <= 0) {
      await end('unused', 'it waited too long');
      const why = state.why ?? 'the coordinator has not answered';
      throw new AuthmeshError('ERR_NO_PERMIT', `pool ${pool} gave no permits for ${sessions} in time`, { hint: why });
    }
    await wait(Math.min(state.phase === 'granted' ? startMs : askMs, left), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

function refusal({ phase, why }: ClaimReply): AuthmeshError {
  if (phase === 'unknown') {
    return new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the daemon does not know of this request any more', {
      hint: 'it was started again meanwhile; try again',
      exitCode: exitCodes.tryAgain,
    });
  }
  return new AuthmeshError('ERR_USAGE', `no permits: ${why ?? 'they cannot be had'}`);
}
