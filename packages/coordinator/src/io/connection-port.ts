import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Admitted, Attest, Enroll, Welcome } from '@authmesh/shared/protocol/handshake';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { PeerSocketEvents } from './peer-socket.ts';

export interface ConnectionEvents {
  attested(attest: Attest): void;
  enrollProved(enroll: Enroll): void;
  received(message: UpMessage, bytes: number): void;
  /** The peer became known and no longer counts as half-open. */
  settled(): void;
  /** Once; `proved`: whether the peer was announced before. `reason`: why this side ended it, if it did. */
  ended(end: { readonly proved: boolean; readonly reason?: CloseReason | undefined }): void;
}

/** One link, from the challenge to its end. Its methods do nothing once it has ended. */
export interface Connection {
  readonly events: PeerSocketEvents;
  /** A daemon that was welcomed: what is announced to all goes there. */
  takesBroadcasts(): boolean;
  welcome(facts: Omit<Welcome, 'type' | 'signature'>): void;
  admit(facts: Omit<Admitted, 'type' | 'signature'>): void;
  refuse(reason: CloseReason, message: string): void;
  close(reason: CloseReason): void;
  probe(answered: (alive: boolean) => void): void;
  send(message: DownMessage): void;
  /** Whether the prepared frame was taken. */
  sendPrepared(wire: Uint8Array): boolean;
}
