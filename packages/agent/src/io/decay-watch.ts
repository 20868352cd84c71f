import { decayOf } from '@authmesh/agent/core/decay';
import type { AgentState } from '@authmesh/agent/core/state';
import type { CopyKey } from '@authmesh/shared/core/identifiers';
import { type Note, note } from '@authmesh/shared/core/notes';
import { type Milliseconds, second } from '@authmesh/shared/core/time';

/** Time alone makes a login end: nothing else tells of it. */
const lookMs: Milliseconds = 30 * second;

export interface DecayWatch {
  /** Looks now, besides every half minute. */
  readonly look: () => void;
  readonly stop: () => void;
}

/** Tells the log, once a change, which logins on disk would not survive a restart. */
export function createDecayWatch(stateOf: () => AgentState, tell: (note: Note) => void): DecayWatch {
  const told = new Map<CopyKey, string>();
  const look = () => {
    const state = stateOf();
    const now = Date.now();
    for (const [key, { store, profile, account }] of state.copies) {
      const why = decayOf(state, key, now)?.reason;
      if (why === told.get(key)) continue;
      if (why === undefined) told.delete(key);
      else told.set(key, why);
      tell(note(why === undefined ? 'decay-ended' : 'decay-seen', { store, profile, account, why }));
    }
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
