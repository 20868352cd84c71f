import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import type { AgentState } from '@authmesh/agent/core/state';
import type { Identity } from '@authmesh/agent/io/identity';
import { type Link, openLink } from '@authmesh/agent/io/link';
import { completed } from '@authmesh/agent/io/outgoing';
import type { RecordVault } from '@authmesh/agent/io/record-vault';
import { note } from '@authmesh/shared/core/notes';
import { FrameTooLargeError } from '@authmesh/shared/crypto/session-codec';
import type { Logger } from '@authmesh/shared/node/logger';
import { packageVersion } from '@authmesh/shared/node/version';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { Driver } from '@authmesh/shared/runtime/driver';

/** Moments of a publish at which a crash must lose nothing. */
export type PublishStep = 'publish-sending' | 'publish-sent';

export interface AgentLinkOptions {
  readonly identity: Identity;
  readonly vault: RecordVault;
  readonly logger: Logger;
  readonly machine: () => Driver<AgentState, AgentEvent>;
  /** The offset of this host's clock to the coordinator's is known anew. */
  readonly onClockOffset: () => void;
  readonly at?: ((step: PublishStep) => void) | undefined;
}

/** The machine's effects on its link, on a real one: fingerprints become sealed records on the way out, and back again. */
export interface AgentLink {
  readonly dial: (url: string) => void;
  readonly send: (message: Extract<AgentEffect, { type: 'send' }>['message']) => void;
  readonly close: () => void;
}

/** A link that is not dialled yet. */
export function createAgentLink(options: AgentLinkOptions): AgentLink {
  const { identity, vault, logger, machine } = options;
  const { keys, membership } = identity;
  let link: Link | undefined;
  let report: { readonly to: Link | undefined; readonly message: UpMessage } | undefined;

  /** A bound that was missed where the message was made must not end the agent. */
  const transmit = (message: UpMessage) => {
    try {
      link?.send(message);
    } catch (error) {
      if (!(error instanceof FrameTooLargeError)) throw error;
      logger.note(note('message-too-large', { why: message.type }));
    }
  };

  /**
   * Each report of claims says all of them. Several agents of a wave are back in the same moment, and each makes a new
   * one: only the last is sent, when what happened together has been told.
   */
  const transmitClaims = (message: UpMessage) => {
    const isPlanned = report !== undefined;
    report = { to: link, message };
    if (isPlanned) return;
    setImmediate(() => {
      const latest = report;
      report = undefined;
      if (latest && latest.to === link) transmit(latest.message);
    });
  };

  const announced = (announcement: Announcement): AgentEvent => {
    const { type: _, sealed: __, ...facts } = announcement;
    return { type: 'announced', facts, problem: vault.open(announcement) };
  };

  return {
    dial(url) {
      const { dispatch, state } = machine();
      link?.close();
      link = openLink(
        {
          url,
          nodeKey: keys.signing,
          fleet: membership.fleet,
          coordinatorKey: membership.coordinatorKey,
          role: 'daemon',
          version: packageVersion(),
          epoch: state.epoch,
          now: Date.now,
        },
        {
          opened: ({ clockOffsetMs, epoch, policy }) => {
            const before = machine().state.clockOffsetMs;
            dispatch({ type: 'link-opened', url, clockOffsetMs, epoch, policy });
            if (machine().state.clockOffsetMs !== before) options.onClockOffset();
          },
          message: message => dispatch({ type: 'frame-received', message }),
          announcement: announcement => dispatch(announced(announcement)),
          closed: (reason, message, retryAfterMs) => dispatch({ type: 'link-closed', reason, message, retryAfterMs }),
        },
      );
    },
    send(message) {
      if (message.type === 'claims') return transmitClaims(message);
      const made = completed(message, vault);
      if ('problem' in made) return logger.note(note('publish-impossible', { why: made.problem }));
      const isRecord = made.message.type === 'publish' || made.message.type === 'renewal';
      if (isRecord) options.at?.('publish-sending');
      transmit(made.message);
      if (isRecord) options.at?.('publish-sent');
    },
    close() {
      link?.close();
      link = undefined;
    },
  };
}
