import { isCovered } from '@authmesh/agent/core/coverage';
import { observationOf } from '@authmesh/agent/core/report';
import type { AgentState, Copy } from '@authmesh/agent/core/state';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';

/** Every account that the fleet or this host knows, this host's copies as they stand now. */
export function accountViews(state: AgentState): AccountView[] {
  const views = new Map<string, AccountView>();
  for (const view of state.overview?.body.accounts ?? []) {
    views.set(view.account, { ...view, copies: view.copies.filter(copy => copy.node !== state.self.node) });
  }
  for (const facts of state.accounts.values()) {
    const { account, kind, profile, position, access, expiresAt, origin, home } = facts;
    const copies = views.get(account)?.copies ?? [];
    views.set(account, { account, kind, profile, position, access, expiresAt, origin, home, copies });
  }
  for (const copy of state.copies.values()) {
    const view = localView(state, copy);
    if (!view) continue;
    const known = views.get(copy.account);
    if (known) known.copies.push(view);
    else {
      const { account, profile } = copy;
      const kind = copy.seen?.kind ?? 'oauth';
      views.set(account, {
        account,
        kind,
        profile,
        position: null,
        access: null,
        expiresAt: copy.seen?.expiresAt ?? null,
        origin: null,
        home: null,
        copies: [view],
      });
    }
  }
  return [...views.values()].filter(view => view.position !== null || view.copies.length > 0);
}

function localView(state: AgentState, copy: Copy): CopyView | undefined {
  const observation = observationOf(state, copy);
  if (!observation || !isCovered(state, copy.account, copy.profile)) return undefined;
  const { store, profile, health, access, refresh, trouble } = observation;
  const facts = state.accounts.get(copy.account);
  const inStep = health === 'sound' && access !== undefined && access === facts?.access;
  return {
    node: state.self.node,
    store,
    profile,
    verdict: inStep ? 'in-step' : (copy.judged?.verdict ?? 'waits'),
    why: inStep ? 'it is the current login' : (copy.judged?.why ?? 'the coordinator has not judged it yet'),
    health,
    access,
    spendable: refresh !== undefined,
    trouble,
    seenAt: copy.seenAt,
  };
}
