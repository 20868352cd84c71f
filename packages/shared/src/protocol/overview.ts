import type { AccountView, AnswerBody } from './answer.ts';

export type Overview = Extract<AnswerBody, { type: 'overview' }>;

/** One overview out of the parts that came so far: nodes and secrets in order, each account once with all of its copies. */
export function joinOverview(before: Overview | undefined, part: Overview): Overview {
  if (!before) return part;
  const accounts = new Map<string, AccountView>(before.accounts.map(view => [view.account, view]));
  for (const view of part.accounts) {
    const known = accounts.get(view.account);
    accounts.set(view.account, known ? { ...known, copies: [...known.copies, ...view.copies] } : view);
  }
  return {
    ...part,
    nodes: [...before.nodes, ...part.nodes],
    accounts: [...accounts.values()],
    drift: [...before.drift, ...part.drift],
  };
}
