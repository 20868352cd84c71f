import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Challenged } from '@authmesh/shared/crypto/handshake-bytes';
import { parseJson } from '@authmesh/shared/crypto/json-text';
import { shortKeyName } from '@authmesh/shared/crypto/signing';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import { closeCodes } from '@authmesh/shared/protocol/close-codes';
import {
  type Admitted,
  type HandshakeDown,
  type HandshakeUp,
  handshakeDown,
  type Welcome,
} from '@authmesh/shared/protocol/handshake';
import { protocolVersion, protocolVersionMin } from '@authmesh/shared/protocol/limits';
import { type CoordinatorSocket, dialSocket } from './coordinator-socket.ts';

export interface IntroductionOptions {
  readonly url: string;
  /** Base64 of the key that this host pinned. */
  readonly coordinatorKey: string;
  /** Milliseconds to connect, and again for the whole handshake. */
  readonly deadlineMs: Milliseconds;
  /** This node's answer to the challenge. */
  readonly prove: (challenge: Challenged) => HandshakeUp;
}

export interface IntroductionEnd {
  readonly reason: CloseReason | 'unreachable' | 'lost';
  /** A sentence that names the address. */
  readonly message: string;
  /** Set when the coordinator there has another key than the pinned one. */
  readonly stranger?: boolean | undefined;
  /** A full coordinator says when to come again. */
  readonly retryAfterMs?: Milliseconds | undefined;
}

export interface IntroductionEvents {
  /** The coordinator answered the proof; its signature is for the caller to check. */
  answered(reply: Welcome | Admitted, challenge: Challenged): void;
  /** A frame of the session that follows. */
  frame(bytes: Uint8Array): void;
  /** Once, after which nothing follows. */
  ended(end: IntroductionEnd): void;
}

export interface Introduction {
  readonly socket: CoordinatorSocket;
  /** Ends with what `ended` shall be told; without a message nothing is told. */
  end(reason: CloseReason | 'done', message?: string): void;
}

type Phase = 'dialing' | 'connected' | 'proved' | 'answered' | 'ended';

/** Dials the coordinator and goes with it through challenge and proof, up to its answer. */
export function introduce(options: IntroductionOptions, events: IntroductionEvents): Introduction {
  const { url, coordinatorKey, deadlineMs } = options;
  let phase: Phase = 'dialing';
  let challenge: Challenged | undefined;
  let deadline = setTimeout(late, deadlineMs);

  const socket = dialSocket(url, {
    connected() {
      if (phase !== 'dialing') return;
      phase = 'connected';
      clearTimeout(deadline);
      deadline = setTimeout(late, deadlineMs);
    },
    text: hear,
    frame(bytes) {
      if (phase === 'answered') events.frame(bytes);
      else fail('malformed', `the coordinator at ${url} sent a frame before it welcomed this node`);
    },
    closed({ reason, words, retryAfterMs }) {
      if (phase === 'ended') return;
      const { reason: otherwise, what } = endings[phase];
      finish({ reason: reason ?? otherwise, message: `the coordinator at ${url} ${what}: ${words}`, retryAfterMs });
    },
  });

  function finish(end: IntroductionEnd): void {
    if (phase === 'ended') return;
    phase = 'ended';
    clearTimeout(deadline);
    events.ended(end);
  }

  function fail(reason: CloseReason, message: string, stranger = false): void {
    if (phase === 'ended') return;
    socket.close(reason);
    finish({ reason, message, stranger });
  }

  function late(): void {
    const what = phase === 'dialing' ? 'does not answer' : 'did not finish the handshake';
    socket.close('attestTimeout');
    finish({ reason: 'unreachable', message: `the coordinator at ${url} ${what} within ${deadlineMs / 1_000} s` });
  }

  function hear(text: string): void {
    if (phase === 'ended') return;
    const { data: message } = handshakeDown.safeParse(parseJson(text));
    if (!message) return fail('malformed', `what listens at ${url} does not speak this protocol`);
    if (message.type === 'refused' && phase !== 'answered') return fail(refusalOf(message.code), message.message);
    if (message.type === 'challenge' && phase === 'connected') return answer(message);
    if ((message.type === 'welcome' || message.type === 'admitted') && phase === 'proved' && challenge) {
      phase = 'answered';
      clearTimeout(deadline);
      return events.answered(message, challenge);
    }
    fail('malformed', `the coordinator at ${url} said "${message.type}" out of turn`);
  }

  function answer(found: Extract<HandshakeDown, { type: 'challenge' }>): void {
    const { type: _, ...facts } = found;
    if (facts.protocol < protocolVersionMin || facts.protocolMin > protocolVersion) {
      return fail('protocolVersion', versionSentence(url, facts));
    }
    if (facts.publicKey !== coordinatorKey) {
      const keys = `its key is ${shortKeyName(facts.publicKey)}, this host trusts ${shortKeyName(coordinatorKey)}`;
      const advice = 'if the coordinator was set up anew, join again with a new code; else somebody is in between';
      return fail('unauthenticated', `another coordinator answers at ${url}: ${keys}; ${advice}`, true);
    }
    challenge = facts;
    phase = 'proved';
    socket.sendText(JSON.stringify(options.prove(facts)));
  }

  return {
    socket,
    end(reason, message) {
      if (reason !== 'done' && message !== undefined) return fail(reason, message);
      if (phase === 'ended') return;
      phase = 'ended';
      clearTimeout(deadline);
      socket.close(reason);
    },
  };
}

/** What a socket's end without a reason means, by how far the introduction was. */
const endings = {
  dialing: { reason: 'unreachable', what: 'cannot be reached' },
  connected: { reason: 'unreachable', what: 'ended the handshake' },
  proved: { reason: 'unreachable', what: 'ended the handshake' },
  answered: { reason: 'lost', what: 'is gone' },
} as const satisfies Record<
  Exclude<Phase, 'ended'>,
  { readonly reason: 'unreachable' | 'lost'; readonly what: string }
>;

/** The reason in a refusal; one that this version does not know is a refusal all the same. */
function refusalOf(code: string): CloseReason {
  return Object.hasOwn(closeCodes, code) ? (code as CloseReason) : 'refused';
}

function versionSentence(url: string, theirs: Pick<Challenged, 'protocol' | 'protocolMin'>): string {
  return theirs.protocol < protocolVersionMin
    ? `the coordinator at ${url} speaks protocol ${theirs.protocol}, this agent at least ${protocolVersionMin}: upgrade the coordinator`
    : `the coordinator at ${url} speaks protocol ${theirs.protocolMin} or later, this agent at most ${protocolVersion}: upgrade this agent`;
}
