import type { NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { PushedNode } from '@authmesh/shared/protocol/push';
import type { Question } from '@authmesh/shared/protocol/question';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { CoordinatorEffect } from '../effect.ts';
import type { LinkId } from '../event.ts';
import type { CoordinatorState, Session } from '../state.ts';
import { pushedAnswer } from './push-answer.ts';
import { secretKeyOf } from './secrets.ts';

/*
 * Spreading a secret: one node gives the value, sealed, and all that compare it take it. The coordinator passes on what it can
 * neither make nor read, and says what became of it. Nothing of it outlives the coordinator: who asked asks again.
 */

/** A secret on its way from one node to the others. */
export interface Push {
  readonly asker: { readonly link: LinkId; readonly request: number };
  readonly question: Extract<Question, { type: 'push' }>;
  readonly from: { readonly node: NodeId; readonly name: string };
  /** Absent before the value is there. */
  readonly takers?: Set<NodeId> | undefined;
  /** Updated in place. */
  readonly results: PushedNode[];
  /** By the elapsed clock. */
  readonly until: Milliseconds;
}

/** Updated in place. */
export interface PushesState {
  readonly byNumber: Map<number, Push>;
  last: number;
  /** When the `pushes` timer is set for, by the elapsed clock. */
  timerAt?: Milliseconds | undefined;
}

export function createPushes(): PushesState {
  return { byNumber: new Map(), last: 0 };
}

/** A command of a PaaS may take long; what it does not say in this time is not waited for. */
const giveMs: Milliseconds = 20 * second;
const takeMs: Milliseconds = 40 * second;
const pushesMax = 20;
/** An operator wants a secret to be the same everywhere. */
export function pushAsked(
  state: CoordinatorState,
  session: Session,
  request: number,
  question: Push['question'],
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { secrets, pushes, nodes } = state;
  const { name, group, order } = question;
  const asker = { link: session.link, request };
  const refuse = (code: string, message: string) =>
    void effects.push(answerTo(asker, { type: 'problem', code, message }));
  const told = secrets.bySecret.get(secretKeyOf({ name, group }));
  if (!told)
    return refuse('ERR_UNKNOWN_SECRET', `no host compares a secret ${name}; \`secrets\` of agent.json names them`);
  if (pushes.byNumber.size >= pushesMax) return refuse('ERR_BUSY', 'too many secrets are being spread: try again');
  const source = sourceOf(state, told, question.from ?? nodes.get(session.node)?.record.name ?? '');
  if ('why' in source) return refuse('ERR_NOT_FOUND', source.why);
  const link = nodes.get(source.node)?.link;
  if (link === undefined) return refuse('ERR_NOT_FOUND', `${source.name} is away: it cannot give the value`);
  pushes.last += 1;
  const push = pushes.last;
  pushes.byNumber.set(push, { asker, question, from: source, results: [], until: state.elapsed + giveMs });
  effects.push(
    { type: 'audit', entry: { at, action: 'push', node: session.node, details: `${name} from ${source.name}` } },
    { type: 'send', link, message: { type: 'give-secret', push, name, group, place: source.place, order } },
  );
  schedule(state, effects);
}

/** Who gives the value: a host by its name, or the host that reads a place. */
function sourceOf(
  { nodes }: CoordinatorState,
  told: ReadonlyMap<NodeId, { readonly readings: readonly { readonly at: string }[] }>,
  wanted: string,
): { readonly node: NodeId; readonly name: string; readonly place?: string | undefined } | { readonly why: string } {
  for (const [node, { readings }] of told) {
    const name = nodes.get(node)?.record.name;
    if (name === undefined) continue;
    const place = readings.some(({ at }) => at === wanted);
    if (name === wanted || place) return { node, name: wanted, place: name === wanted ? undefined : wanted };
  }
  const isNode = [...nodes.values()].some(({ record }) => record.name === wanted);
  return { why: isNode ? `${wanted} does not compare this secret` : `the fleet has no host or place "${wanted}"` };
}

/** The value is there, or there is none. */
export function secretGiven(
  state: CoordinatorState,
  { node }: Session,
  { push: id, value, why }: Extract<UpMessage, { type: 'secret-given' }>,
  effects: CoordinatorEffect[],
): void {
  const push = state.pushes.byNumber.get(id);
  if (!push || push.takers || push.from.node !== node) return;
  if (value === undefined) return give(state, id, push, why ?? 'it says nothing', effects);
  const { name, group, order } = push.question;
  const takers = new Set<NodeId>();
  for (const taker of state.secrets.bySecret.get(secretKeyOf({ name, group }))?.keys() ?? []) {
    const entry = state.nodes.get(taker);
    if (!entry) continue;
    if (entry.link === undefined) push.results.push({ node: entry.record.name, state: 'away', results: [] });
    else {
      takers.add(taker);
      const message = { type: 'take-secret', push: id, name, group, order, value } as const;
      effects.push({ type: 'send', link: entry.link, message });
    }
  }
  state.pushes.byNumber.set(id, { ...push, takers, until: state.elapsed + takeMs });
  endIfComplete(state, id, effects);
  schedule(state, effects);
}

/** A node has put it where it belongs, or could not. */
export function secretTaken(
  state: CoordinatorState,
  { node }: Session,
  { push: id, results, why }: Extract<UpMessage, { type: 'secret-taken' }>,
  effects: CoordinatorEffect[],
): void {
  const push = state.pushes.byNumber.get(id);
  const name = state.nodes.get(node)?.record.name;
  if (name === undefined || !push?.takers?.delete(node)) return;
  const failed = results.filter(({ state: one }) => one === 'failed');
  const hasFailed = why !== undefined || failed.length > 0;
  push.results.push({
    node: name,
    state: hasFailed ? 'failed' : results.length === 0 ? 'no-target' : 'done',
    results: failed.length > 0 ? failed : results,
    why,
  });
  endIfComplete(state, id, effects);
}

/** Whoever has not answered in time is named. */
export function pushesDue(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  state.pushes.timerAt = undefined;
  for (const [id, push] of [...state.pushes.byNumber]) {
    if (push.until > state.elapsed) continue;
    if (!push.takers) give(state, id, push, `it did not answer within ${giveMs / second} s`, effects);
    for (const node of push.takers ?? []) silent(state, push, node);
    push.takers?.clear();
    endIfComplete(state, id, effects);
  }
  schedule(state, effects);
}

/** A link is gone: nobody waits for its answers, nor it for ours. */
export function pushLinkLost(state: CoordinatorState, session: Session, effects: CoordinatorEffect[]): void {
  for (const [id, push] of [...state.pushes.byNumber]) {
    if (push.asker.link === session.link) state.pushes.byNumber.delete(id);
    else if (session.role === 'daemon' && !push.takers && push.from.node === session.node)
      give(state, id, push, 'it went away', effects);
    else if (session.role === 'daemon' && push.takers?.delete(session.node)) {
      silent(state, push, session.node);
      endIfComplete(state, id, effects);
    }
  }
}

function silent({ nodes }: CoordinatorState, { results }: Push, node: NodeId): void {
  const name = nodes.get(node)?.record.name;
  if (name !== undefined) results.push({ node: name, state: 'silent', results: [] });
}

/** There is no value to spread. */
function give(state: CoordinatorState, id: number, push: Push, why: string, effects: CoordinatorEffect[]): void {
  state.pushes.byNumber.delete(id);
  const message = `${push.from.name} does not give the value: ${why}`.slice(0, 500);
  effects.push(answerTo(push.asker, { type: 'problem', code: 'ERR_NOT_GIVEN', message }));
}

function endIfComplete(state: CoordinatorState, id: number, effects: CoordinatorEffect[]): void {
  const push = state.pushes.byNumber.get(id);
  if (!push?.takers || push.takers.size > 0) return;
  state.pushes.byNumber.delete(id);
  const body = pushedAnswer(push.from.name, push.results);
  effects.push(answerTo(push.asker, body));
}

function answerTo({ link, request }: Push['asker'], body: AnswerBody): CoordinatorEffect {
  return { type: 'send', link, message: { type: 'answer', request, body } };
}

function schedule({ pushes, elapsed }: CoordinatorState, effects: CoordinatorEffect[]): void {
  const next = Math.min(...[...pushes.byNumber.values()].map(({ until }) => until));
  if (!Number.isFinite(next) || (pushes.timerAt !== undefined && pushes.timerAt <= next)) return;
  pushes.timerAt = next;
  effects.push({ type: 'set-timer', timer: 'pushes', delayMs: Math.max(0, next - elapsed) });
}
