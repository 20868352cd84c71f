import { z } from 'zod';
import { bytes32, fleetId, instant, inviteId, nodeId, nodeName, sealed, sentence, signature } from './fields.ts';
import { profileFilter } from './policy.ts';

const version = z.string().max(64);

/** The coordinator's first word. */
export const challenge = z.object({
  type: z.literal('challenge'),
  protocol: z.number().int(),
  protocolMin: z.number().int(),
  nonce: bytes32,
  /** The coordinator's key: a node that pinned another turns away before it proves anything. */
  publicKey: bytes32,
});
export type Challenge = z.infer<typeof challenge>;

/** A known node proves its key. `signature` covers what `attestBytes` lays out. */
export const attest = z.object({
  type: z.literal('attest'),
  protocol: z.number().int(),
  serverNonce: bytes32,
  nonce: bytes32,
  node: nodeId,
  publicKey: bytes32,
  fleet: fleetId,
  /** A `daemon` is the node's one link; a `command` comes and goes beside it. */
  role: z.enum(['daemon', 'command']),
  version,
  at: instant,
  /** Highest coordinator epoch that the node has seen: a restored coordinator goes above it. */
  epoch: z.number().int().min(0),
  signature,
});
export type Attest = z.infer<typeof attest>;

/** A new node proves its invite and both its keys. */
export const enroll = z.object({
  type: z.literal('enroll'),
  protocol: z.number().int(),
  serverNonce: bytes32,
  nonce: bytes32,
  invite: inviteId,
  inviteKey: bytes32,
  node: nodeId,
  publicKey: bytes32,
  boxKey: bytes32,
  name: nodeName,
  version,
  at: instant,
  /** By the invite's key over invite id and node key: the second link of a membership chain. */
  inviteSignature: signature,
  /** By the node's key. */
  signature,
});
export type Enroll = z.infer<typeof enroll>;

/** Signed by the coordinator's pinned key over both nonces and both keys. */
export const welcome = z.object({
  type: z.literal('welcome'),
  fleet: fleetId,
  at: instant,
  epoch: z.number().int().min(0),
  policy: profileFilter,
  signature,
});
export type Welcome = z.infer<typeof welcome>;

/** The node is a member now; a founder gets no sealed secrets, it makes them. */
export const admitted = z.object({
  type: z.literal('admitted'),
  fleet: fleetId,
  name: nodeName,
  sealed: sealed.nullable(),
  at: instant,
  signature,
});
export type Admitted = z.infer<typeof admitted>;

/** Why a peer is turned away; the link is closed after it. */
export const refused = z.object({ type: z.literal('refused'), code: z.string().max(64), message: sentence });
export type Refused = z.infer<typeof refused>;

export const handshakeUp = z.discriminatedUnion('type', [attest, enroll]);
export const handshakeDown = z.discriminatedUnion('type', [challenge, welcome, admitted, refused]);
export type HandshakeUp = z.infer<typeof handshakeUp>;
export type HandshakeDown = z.infer<typeof handshakeDown>;
