import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { PushedNode } from '@authmesh/shared/protocol/push';

/** What an answer takes, and a reader. */
const nodesNamed = 50;
const resultsNamed = 8;

/** What became of a push, what went wrong first. */
export function pushedAnswer(from: string, results: readonly PushedNode[]): Extract<AnswerBody, { type: 'pushed' }> {
  const all = results.toSorted((one, other) => rank(one) - rank(other) || (one.node < other.node ? -1 : 1));
  const nodes = all.slice(0, nodesNamed).map(one => ({ ...one, results: one.results.slice(0, resultsNamed) }));
  return { type: 'pushed', from, nodes, more: all.length - nodes.length };
}

const order: readonly PushedNode['state'][] = ['failed', 'silent', 'away', 'no-target', 'done'];

function rank({ state }: PushedNode): number {
  return order.indexOf(state);
}
