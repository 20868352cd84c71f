import { attestBytes, type Challenged, enrollBytes, enrollmentBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { parseJson } from '@authmesh/shared/crypto/json-text';
import { bytesOfText, keyBytes } from '@authmesh/shared/crypto/key-text';
import { nodeIdOf, verifyText } from '@authmesh/shared/crypto/signing';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import { type Attest, type Enroll, handshakeUp } from '@authmesh/shared/protocol/handshake';
import { protocolVersion, protocolVersionMin } from '@authmesh/shared/protocol/limits';
import { z } from 'zod';

export type Proof =
  | { readonly kind: 'attest'; readonly attest: Attest }
  | { readonly kind: 'enroll'; readonly enroll: Enroll }
  | { readonly kind: 'failure'; readonly reason: CloseReason; readonly message: string };

const spoken = z.object({ protocol: z.number().int() });

/** Reads and verifies a peer's first message: that its keys are its own and that it answers this very challenge. */
export async function readProof(text: string, challenge: Challenged): Promise<Proof> {
  const value = parseJson(text);
  // Looked at first and alone: a message of another version may be of another form.
  const { data: peer } = spoken.safeParse(value);
  if (peer && (peer.protocol > protocolVersion || peer.protocol < protocolVersionMin)) {
    return failure('protocolVersion', versionSentence(peer.protocol));
  }
  const parsed = handshakeUp.safeParse(value);
  if (!parsed.success)
    return failure('malformed', 'the proof of identity is not of a form that this coordinator knows');
  const message = parsed.data;
  if (message.serverNonce !== challenge.nonce) {
    return failure('outOfOrder', 'the proof of identity answers another challenge');
  }
  const { publicKey, node } = message;
  if (!bytesOfText(publicKey, keyBytes) || nodeIdOf(publicKey) !== node) {
    return failure('unauthenticated', `the node id ${node} is not that of the key that came with it`);
  }
  if (message.type === 'attest') {
    const proven = await verifyText(publicKey, attestBytes(challenge, message), message.signature);
    return proven ? { kind: 'attest', attest: message } : failure('unauthenticated', unproven(node));
  }
  const [own, invited] = await Promise.all([
    verifyText(publicKey, enrollBytes(challenge, message), message.signature),
    verifyText(message.inviteKey, enrollmentBytes(message.invite, publicKey), message.inviteSignature),
  ]);
  if (!own) return failure('unauthenticated', unproven(node));
  return invited
    ? { kind: 'enroll', enroll: message }
    : failure('unauthenticated', 'the invite was not signed by the key of the join code');
}

function failure(reason: CloseReason, message: string): Proof {
  return { kind: 'failure', reason, message };
}

function unproven(node: string): string {
  return `the signature of node ${node} does not match its key`;
}

function versionSentence(theirs: number): string {
  return theirs > protocolVersion
    ? `the agent speaks protocol ${theirs}, this coordinator at most ${protocolVersion}: upgrade the coordinator first`
    : `the agent speaks protocol ${theirs}, this coordinator at least ${protocolVersionMin}: upgrade the agent`;
}
