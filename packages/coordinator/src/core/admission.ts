import type { NodeId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, significantOffset } from '@authmesh/shared/core/time';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { Attest } from '@authmesh/shared/protocol/handshake';
import { protocolVersion, protocolVersionMin } from '@authmesh/shared/protocol/limits';
import { rememberAway } from './away.ts';
import type { CoordinatorEffect } from './effect.ts';
import { raiseEpoch } from './epoch.ts';
import type { LinkId } from './event.ts';
import { forgetAble } from './lease/service.ts';
import { nodeLeft } from './pool/claims.ts';
import { rotationLinkLost } from './rotation/service.ts';
import { pushLinkLost } from './secrets/push.ts';
import { type CoordinatorState, commandLinksMax, fleetOf, type NodeEntry, type Session } from './state.ts';

const stopping = 'the coordinator is stopping';

type ProvenAttest = Omit<Attest, 'type' | 'signature'>;

/** A peer proved a key: welcome it when it is a member's, and the only living link of its daemon. */
export function attested(
  state: CoordinatorState,
  link: LinkId,
  attest: ProvenAttest,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const node = state.nodes.get(attest.node);
  const problem = protocolProblem(attest.protocol);
  if (problem) return refuse(effects, link, 'protocolVersion', problem, attest.node);
  if (state.mode === 'draining') return refuse(effects, link, 'draining', stopping, attest.node);
  if (!node || node.record.publicKey !== attest.publicKey || attest.fleet !== fleetOf(state)) {
    return refuse(
      effects,
      link,
      'unknownNode',
      'this node is not a member of this fleet; join again with a new code',
      attest.node,
    );
  }
  const session: Session = {
    link,
    node: attest.node,
    role: attest.role,
    clockOffsetMs: significantOffset(attest.at - at),
    lastHeard: at,
    known: new Map(),
  };
  if (attest.role === 'command') admitCommand(state, node, session, attest, effects);
  else if (node.link === undefined) admitDaemon(state, node, session, attest, at, effects);
  else challengeDaemon(state, node, session, attest, effects);
}

function admitCommand(
  state: CoordinatorState,
  node: NodeEntry,
  session: Session,
  attest: ProvenAttest,
  effects: CoordinatorEffect[],
): void {
  let links = 0;
  for (const other of state.sessions.values()) if (other.node === session.node && other.role === 'command') links++;
  if (links >= commandLinksMax)
    return refuse(effects, session.link, 'tooManyPeers', 'this node has too many command lines connected', attest.node);
  welcome(state, node, session, attest, effects);
}

function admitDaemon(
  state: CoordinatorState,
  node: NodeEntry,
  session: Session,
  attest: ProvenAttest,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  // What it reports now replaces all that it reported before.
  node.copies.clear();
  const entry = { ...node, link: session.link, lastSeen: at, challenger: undefined };
  state.nodes.set(session.node, entry);
  effects.push(note('node-online', { node: session.node }));
  welcome(state, entry, session, attest, effects);
}

/** The old link may be a dead socket that nobody noticed: only a living one makes the new one a duplicate. */
function challengeDaemon(
  state: CoordinatorState,
  node: NodeEntry,
  session: Session,
  attest: ProvenAttest,
  effects: CoordinatorEffect[],
): void {
  if (node.link === undefined) return;
  if (node.challenger) return refuseDuplicate(node, session.link, effects);
  state.nodes.set(session.node, { ...node, challenger: { session, attest } });
  state.challengers.set(session.link, session.node);
  effects.push({ type: 'probe', link: node.link });
}

/** The answer to the probe of a link that a second daemon wants to replace. */
export function linkProbed(
  state: CoordinatorState,
  link: LinkId,
  alive: boolean,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const old = state.sessions.get(link);
  const node = old && state.nodes.get(old.node);
  if (!old || !node?.challenger) return;
  if (alive) {
    state.nodes.set(old.node, { ...node, challenger: undefined });
    refuseDuplicate(node, node.challenger.session.link, effects);
    return;
  }
  state.sessions.delete(link);
  effects.push({ type: 'close-link', link, reason: 'replaced' });
  const gone = { ...node, link: undefined };
  // Its new link may end before it has told anything on it.
  rememberAway(state, gone, effects);
  forgetAble(state, old.node);
  admitChallenger(state, gone, node.challenger, at, effects);
}

/** The link that it waited for is gone. */
function admitChallenger(
  state: CoordinatorState,
  node: NodeEntry,
  { session, attest }: NonNullable<NodeEntry['challenger']>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  if (state.mode === 'serving') return admitDaemon(state, node, session, attest, at, effects);
  state.nodes.set(session.node, { ...node, challenger: undefined });
  refuse(effects, session.link, 'draining', stopping, session.node);
}

function refuseDuplicate(node: NodeEntry, link: LinkId, effects: CoordinatorEffect[]): void {
  const message = `another living agent is connected as ${node.record.name} with the same key: was its home copied to a second host? Give this host an identity of its own with \`authmesh-agent join\` in a fresh home`;
  effects.push(note('node-duplicate', { node: node.record.id }));
  effects.push({ type: 'refuse', link, reason: 'duplicateNode', message });
}

function welcome(
  state: CoordinatorState,
  node: NodeEntry,
  session: Session,
  attest: ProvenAttest,
  effects: CoordinatorEffect[],
): void {
  const fleet = fleetOf(state);
  if (fleet === null) return;
  state.sessions.set(session.link, session);
  if (node.record.version !== attest.version) {
    state.nodes.set(session.node, { ...node, record: { ...node.record, version: attest.version } });
  }
  effects.push({ type: 'welcome', link: session.link, fleet, epoch: state.fleet.record.epoch, policy: state.policy });
  if (attest.epoch > state.fleet.record.epoch) raiseEpoch(state, attest.epoch, effects);
}

/** A link is gone: its session ends, and a waiting challenger takes its place. */
export function linkClosed(state: CoordinatorState, link: LinkId, at: Instant, effects: CoordinatorEffect[]): void {
  forgetChallenger(state, link);
  const session = state.sessions.get(link);
  if (!session || !state.sessions.delete(link)) return;
  pushLinkLost(state, session, effects);
  const node = state.nodes.get(session.node);
  if (!node || node.link !== link) return;
  const gone = { ...node, link: undefined, lastSeen: at };
  state.nodes.set(session.node, gone);
  rotationLinkLost(state, session, at, effects);
  effects.push(note('node-offline', { node: session.node }));
  rememberAway(state, gone, effects);
  nodeLeft(state, session.node);
  forgetAble(state, session.node);
  if (node.challenger) admitChallenger(state, gone, node.challenger, at, effects);
}

function forgetChallenger(state: CoordinatorState, link: LinkId): void {
  const id = state.challengers.get(link);
  const node = id === undefined ? undefined : state.nodes.get(id);
  state.challengers.delete(link);
  if (node?.challenger?.session.link === link) state.nodes.set(node.record.id, { ...node, challenger: undefined });
}

function refuse(effects: CoordinatorEffect[], link: LinkId, reason: CloseReason, message: string, node: NodeId): void {
  effects.push(note('node-refused', { node, why: reason }), { type: 'refuse', link, reason, message });
}

/** Undefined when the peer's protocol can be spoken. */
export function protocolProblem(protocol: number): string | undefined {
  if (protocol < protocolVersionMin) {
    return `the agent speaks protocol ${protocol}, this coordinator needs at least ${protocolVersionMin}: upgrade the agent`;
  }
  if (protocol > protocolVersion) {
    return `the agent speaks protocol ${protocol}, this coordinator only ${protocolVersion}: upgrade the coordinator first`;
  }
  return undefined;
}
