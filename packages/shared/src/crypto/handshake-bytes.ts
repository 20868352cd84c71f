import { createHash } from 'node:crypto';
import type { InviteId } from '@authmesh/shared/core/identifiers';
import type { Admitted, Attest, Challenge, Enroll, Welcome } from '@authmesh/shared/protocol/handshake';

/** The coordinator's half of every handshake: what it challenged with and the key that it is pinned by. */
export type Challenged = Omit<Challenge, 'type'>;
type Unsigned<Message> = Omit<Message, 'type' | 'signature'>;
/** The node's half as far as the coordinator's answer is bound to it. */
export type Prover = Pick<Attest, 'nonce' | 'publicKey'>;

type Field = string | number | null;

/**
 * A domain tag and fields, each with its length before it, so that no two different messages have the same bytes.
 * Texts are UTF-8, numbers decimal; null has the length 2³² − 1 and no bytes.
 */
function layOut(tag: string, fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const field of [tag, ...fields]) {
    const length = Buffer.alloc(4);
    const bytes = Buffer.from(field === null ? '' : String(field), 'utf8');
    length.writeUInt32BE(field === null ? 0xffff_ffff : bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

function challengeFields(challenge: Challenged): Field[] {
  return [challenge.protocol, challenge.protocolMin, challenge.nonce, challenge.publicKey];
}

/** What a known node signs: the challenge as it saw it (no downgrade, no other coordinator) and its whole message. */
export function attestBytes(challenge: Challenged, attest: Unsigned<Attest>): Uint8Array {
  const { protocol, serverNonce, nonce, node, publicKey, fleet, role, version, at, epoch } = attest;
  const own = [protocol, serverNonce, nonce, node, publicKey, fleet, role, version, at, epoch];
  return layOut('authmesh attest 1', [...challengeFields(challenge), ...own]);
}

/** What a joining node signs with its own key. */
export function enrollBytes(challenge: Challenged, enroll: Unsigned<Enroll>): Uint8Array {
  const { protocol, serverNonce, nonce, invite, inviteKey, node, publicKey, boxKey, name, version, at } = enroll;
  const own = [protocol, serverNonce, nonce, invite, inviteKey, node, publicKey, boxKey, name, version, at];
  return layOut('authmesh enroll 1', [...challengeFields(challenge), ...own, enroll.inviteSignature]);
}

/** What an inviting node signs: first link of a membership chain. `publicKey` is the invite's. */
export function inviteBytes(invite: InviteId, publicKey: string): Uint8Array {
  return layOut('authmesh invite 1', [invite, publicKey]);
}

/** What the invite's key signs: second link of a membership chain. `publicKey` is the joining node's. */
export function enrollmentBytes(invite: InviteId, publicKey: string): Uint8Array {
  return layOut('authmesh enrollment 1', [invite, publicKey]);
}

/** What the coordinator signs for a member: both nonces, both keys, and all that it says. */
export function welcomeBytes(challenge: Challenged, prover: Prover, welcome: Unsigned<Welcome>): Uint8Array {
  const { fleet, at, epoch, policy } = welcome;
  const own = [fleet, at, epoch, JSON.stringify([policy.allow, policy.deny])];
  return layOut('authmesh welcome 1', [...challengeFields(challenge), prover.nonce, prover.publicKey, ...own]);
}

/** What the coordinator signs for a node that has just become a member. */
export function admittedBytes(challenge: Challenged, prover: Prover, admitted: Unsigned<Admitted>): Uint8Array {
  const { fleet, name, sealed, at } = admitted;
  return layOut('authmesh admitted 1', [
    ...challengeFields(challenge),
    prover.nonce,
    prover.publicKey,
    fleet,
    name,
    sealed,
    at,
  ]);
}

/** Names the session that follows: SHA-256 over both nonces and both keys, 32 bytes. */
export function sessionIdOf(challenge: Challenged, prover: Prover): Uint8Array {
  const bytes = layOut('authmesh session 1', [...challengeFields(challenge), prover.nonce, prover.publicKey]);
  return createHash('sha256').update(bytes).digest();
}
