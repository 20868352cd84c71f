import { isCovered } from '@authmesh/agent/core/coverage';
import { observationOf } from '@authmesh/agent/core/report';
import type { AgentState, Copy } from '@authmesh/agent/core/state';
import { hasEnded } from '@authmesh/agent/core/unsettled';
import type { Instant } from '@authmesh/shared/core/time';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';

/** Every account that the fleet or this host knows, this host's copies as they stand now. */
export function accountViews(state: AgentState, at: Instant): AccountView[] {
  const views = new Map<string, AccountView>();
  for (const view of state.overview?.body.accounts ?? []) {
    views.set(view.account, { ...view, copies: view.copies.filter(copy => copy.node !== state.self.node) });
  }
  for (const facts of state.accounts.values()) {
    const { account, kind, profile, position, access, expiresAt, origin, home } = facts;
    const told = views.get(account);
    const copies = told?.copies ?? [];
    // What was told of the refreshing of an earlier login says nothing of this one.
    const refresh = told?.access === access ? told.refresh : undefined;
    views.set(account, { account, kind, profile, position, access, expiresAt, origin, home, refresh, copies });
  }
  for (const copy of state.copies.values()) {
    const view = localView(state, copy, at);
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

const current = { verdict: 'in-step', why: 'it is the current login' } as const;
const unjudged = { verdict: 'waits', why: 'the coordinator has not judged it yet' } as const;
const ended = { verdict: 'stale', why: 'it has ended' } as const;

function localView(state: AgentState, copy: Copy, at: Instant): CopyView | undefined {
  const observation = observationOf(state, copy);
  if (!observation || !isCovered(state, copy.account, copy.profile)) return undefined;
  const { store, profile, health, access, refresh, trouble } = observation;
  const facts = state.accounts.get(copy.account);
  const inStep = health === 'sound' && access !== undefined && access === facts?.access;
  // A login beside the fleet's is one for as long as it can be used.
  const isOver = copy.judged?.verdict === 'parallel' && hasEnded(copy, at);
  const judged = isOver ? ended : (copy.judged ?? unjudged);
  return {
    node: state.self.node,
    store,
    profile,
    ...(inStep ? current : { verdict: judged.verdict, why: judged.why }),
    health,
    access,
    spendable: refresh !== undefined,
    trouble,
    seenAt: copy.seenAt,
  };
}
