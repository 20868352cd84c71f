import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { AgentState } from '../state.ts';

/**
 * What a store says of its marks: a daemon that has just started learns of its holds by it. Whose sessions they are, and
 * how many, is known with the host's layout.
 */
export function holdObserved(state: AgentState, store: StoreId, at: Instant): void {
  const { holds, stores, copies, config, elapsed } = state;
  const seen = stores.get(store)?.hold;
  const profile = seen?.profiles[0];
  if (!config.layout || !seen || profile === undefined || seen.until <= at || holds.has(store)) return;
  const { fallback, sessions = 1 } = config.layout.get(store) ?? {};
  const owners = [...copies.values()].filter(copy => copy.profile === profile);
  const login = owners.find(copy => copy.store === store) ?? owners.find(copy => copy.store === fallback);
  // Nobody knows whose sessions these are: the marks end by themselves.
  if (!login) return;
  const { account } = login;
  const { until, profiles } = seen;
  holds.set(store, { store, profile, account, profiles, placed: profiles, sessions, until, since: elapsed });
}

/** The same of all stores: their layout is another one, or marks that had ended last again, for the clock was set back. */
export function holdsObserved(state: AgentState, at: Instant): void {
  for (const store of state.stores.keys()) holdObserved(state, store, at);
}
