import { randomBytes } from 'node:crypto';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { BoxKey } from '@authmesh/shared/crypto/box-key';
import { createFleetSecrets, type FleetSecrets, openFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { admittedBytes, type Challenged, enrollBytes, enrollmentBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { deriveInviteKeys } from '@authmesh/shared/crypto/invite-keys';
import type { JoinCode } from '@authmesh/shared/crypto/join-code';
import { textOfBytes } from '@authmesh/shared/crypto/key-text';
import { nodeIdOf, type SigningKey, signText, verifyTextNow } from '@authmesh/shared/crypto/signing';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { Admitted, Enroll, Welcome } from '@authmesh/shared/protocol/handshake';
import { protocolVersion } from '@authmesh/shared/protocol/limits';
import { type IntroductionEnd, introduce } from './introduction.ts';

/** Both key pairs of a node; they are made on its host and stay there. */
export interface NodeKeys {
  readonly signing: SigningKey;
  readonly box: BoxKey;
}

export interface EnrollmentOptions {
  readonly code: JoinCode;
  readonly keys: NodeKeys;
  /** What the fleet shall call this host. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  readonly now: () => number;
  /** Default 5 s for each address to connect, and 5 s for the handshake. */
  readonly deadlineMs?: Milliseconds | undefined;
}

export interface Enrollment {
  readonly fleet: FleetId;
  /** As the coordinator took it. */
  readonly name: string;
  readonly secrets: FleetSecrets;
  /** The address that answered. */
  readonly url: string;
}

/**
 * Makes this host a member, by the first of the code's addresses that answers. The founder makes the fleet's secrets.
 * Rejects with an `AuthmeshError`: nobody reachable (69), code or node not accepted (77).
 */
export async function enroll(options: EnrollmentOptions): Promise<Enrollment> {
  const failures: IntroductionEnd[] = [];
  for (const url of options.code.urls) {
    const outcome = await enrollAt(url, options);
    if ('fleet' in outcome) return outcome;
    if (!mayTryNext(outcome)) throw errorOf(outcome);
    failures.push(outcome);
  }
  throw errorOf(failures.find(failure => failure.stranger === true) ?? joined(failures));
}

/** Whether another address may do better: this one is away, full, stopping, or somebody else's. */
function mayTryNext({ reason, stranger }: IntroductionEnd): boolean {
  return (
    stranger === true ||
    ['unreachable', 'lost', 'draining', 'tooManyPeers', 'attestTimeout', 'malformed'].includes(reason)
  );
}

function joined(failures: readonly IntroductionEnd[]): IntroductionEnd {
  return { reason: 'unreachable', message: failures.map(failure => failure.message).join('; ') };
}

function errorOf({ reason, message, stranger }: IntroductionEnd): AuthmeshError {
  if (stranger === true) return new AuthmeshError('ERR_COORDINATOR_IDENTITY', message);
  if (reason === 'protocolVersion') return new AuthmeshError('ERR_PROTOCOL_VERSION', message);
  if (reason === 'unreachable' || reason === 'lost') {
    return new AuthmeshError('ERR_COORDINATOR_UNREACHABLE', message, {
      hint: 'check that it runs and that this host can reach it, then join again with the same code',
    });
  }
  return new AuthmeshError('ERR_NOT_ALLOWED', message);
}

function enrollAt(url: string, options: EnrollmentOptions): Promise<Enrollment | IntroductionEnd> {
  const { code } = options;
  const { coordinatorKey } = code;
  return new Promise(resolve => {
    let sent: Enroll | undefined;
    const introduction = introduce(
      {
        url,
        coordinatorKey,
        deadlineMs: options.deadlineMs ?? 5 * second,
        prove(challenge) {
          sent = enrollMessage(challenge, options);
          return sent;
        },
      },
      {
        answered(reply, challenge) {
          const outcome = sent ? readReply(reply, challenge, sent, url, options) : undefined;
          introduction.end('done');
          if (outcome) resolve(outcome);
        },
        frame: () => undefined,
        ended: resolve,
      },
    );
  });
}

function enrollMessage(challenge: Challenged, { code, keys, name, version, now }: EnrollmentOptions): Enroll {
  const invite = deriveInviteKeys(code.secret).signing;
  const { publicKey } = keys.signing;
  const facts = {
    protocol: Math.min(protocolVersion, challenge.protocol),
    serverNonce: challenge.nonce,
    nonce: textOfBytes(randomBytes(32)),
    invite: code.invite,
    inviteKey: invite.publicKey,
    node: nodeIdOf(publicKey),
    publicKey,
    boxKey: keys.box.publicKey,
    name,
    version,
    at: now(),
    inviteSignature: signText(invite, enrollmentBytes(code.invite, publicKey)),
  };
  return { type: 'enroll', ...facts, signature: signText(keys.signing, enrollBytes(challenge, facts)) };
}

function readReply(
  reply: Welcome | Admitted,
  challenge: Challenged,
  sent: Enroll,
  url: string,
  { code }: EnrollmentOptions,
): Enrollment | IntroductionEnd {
  const at = `the coordinator at ${url}`;
  if (reply.type !== 'admitted') return { reason: 'malformed', message: `${at} answered as if this host had joined` };
  if (!verifyTextNow(code.coordinatorKey, admittedBytes(challenge, sent, reply), reply.signature)) {
    const message = `what answers at ${url} names the coordinator's key and could not prove it`;
    return { reason: 'unauthenticated', message, stranger: true };
  }
  const { fleet, name, sealed } = reply;
  // A fleet bears its founder's name: neither can a coordinator slip a host into another one.
  if (fleet !== String(code.founder ?? sent.node)) {
    return { reason: 'refused', message: `${at} serves fleet ${fleet}, which is not the one of this join code` };
  }
  if (code.founder === null) return { fleet, name, secrets: createFleetSecrets(), url };
  const secrets = sealed === null ? undefined : openFleetSecrets(sealed, deriveInviteKeys(code.secret).boxKey);
  if (!secrets) {
    return {
      reason: 'refused',
      message: `${at} gave fleet secrets that this join code does not open; ask for a new code`,
    };
  }
  return { fleet, name, secrets, url };
}
