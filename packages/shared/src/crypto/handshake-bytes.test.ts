import { randomBytes } from 'node:crypto';
import type { FleetId, InviteId, NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import {
  admittedBytes,
  attestBytes,
  enrollBytes,
  enrollmentBytes,
  inviteBytes,
  sessionIdOf,
  welcomeBytes,
} from './handshake-bytes.ts';

const text32 = () => randomBytes(32).toString('base64');
const hex = () => randomBytes(16).toString('hex');

const challenge = { protocol: 1, protocolMin: 1, nonce: text32(), publicKey: text32() };
const prover = { nonce: text32(), publicKey: text32() };
const attest = {
  protocol: 1,
  serverNonce: challenge.nonce,
  ...prover,
  node: hex() as NodeId,
  fleet: hex() as FleetId,
  role: 'daemon' as const,
  version: '0.1.0',
  at: 5,
  epoch: 2,
};
const { fleet: _, role: __, epoch: ___, ...common } = attest;
const enroll = {
  ...common,
  invite: hex() as InviteId,
  inviteKey: text32(),
  boxKey: text32(),
  name: 'pc-a',
  inviteSignature: randomBytes(64).toString('base64'),
};
const welcome = { fleet: attest.fleet, at: 9, epoch: 2, policy: { allow: ['*'], deny: ['a'] } };
const admitted = { fleet: attest.fleet, name: 'pc-a', sealed: 'AAAA' as Sealed | null, at: 9 };

/** Every copy of `message` that has one field changed. */
function* changed<Message extends object>(message: Message): Iterable<Message> {
  for (const [field, value] of Object.entries(message)) {
    if (value === null) yield { ...message, [field]: '' };
    else if (typeof value === 'number') yield { ...message, [field]: value + 1 };
    else if (typeof value === 'string') yield { ...message, [field]: `${value}x` };
    else yield { ...message, [field]: { allow: ['*', 'a'], deny: [] } };
  }
}

function expectAllDifferent(all: readonly Uint8Array[]): void {
  expect(new Set(all.map(bytes => Buffer.from(bytes).toString('hex'))).size).toBe(all.length);
}

describe('the bytes that are signed', () => {
  it('change with every field of the message, of the challenge and of the prover', () => {
    const challenges = [challenge, ...changed(challenge)];
    const provers = [prover, ...changed(prover)];
    expectAllDifferent([
      ...challenges.map(each => attestBytes(each, attest)),
      ...[...changed(attest)].map(each => attestBytes(challenge, each)),
      ...challenges.map(each => enrollBytes(each, enroll)),
      ...[...changed(enroll)].map(each => enrollBytes(challenge, each)),
      ...challenges.flatMap(each => provers.map(one => welcomeBytes(each, one, welcome))),
      ...[...changed(welcome)].map(each => welcomeBytes(challenge, prover, each)),
      ...challenges.flatMap(each => provers.map(one => admittedBytes(each, one, admitted))),
      ...[...changed(admitted)].map(each => admittedBytes(challenge, prover, each)),
      admittedBytes(challenge, prover, { ...admitted, sealed: null }),
      inviteBytes(enroll.invite, enroll.publicKey),
      enrollmentBytes(enroll.invite, enroll.publicKey),
    ]);
  });

  it('keep fields apart that would run together', () => {
    expectAllDifferent([
      attestBytes(challenge, { ...attest, version: 'ab', at: 1 }),
      attestBytes(challenge, { ...attest, version: 'a', at: 1 }),
      attestBytes(challenge, { ...attest, version: 'a1', at: 1 }),
      attestBytes(challenge, { ...attest, version: 'a', at: 11 }),
    ]);
  });

  it('name a session by both nonces and both keys', () => {
    const ids = [sessionIdOf(challenge, prover)];
    for (const each of changed(challenge)) ids.push(sessionIdOf(each, prover));
    for (const each of changed(prover)) ids.push(sessionIdOf(challenge, each));
    expectAllDifferent(ids);
    expect(ids[0]?.length).toBe(32);
  });
});
