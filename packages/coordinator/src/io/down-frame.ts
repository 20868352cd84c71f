import { FrameTooLargeError, type SessionCodec } from '@authmesh/shared/crypto/session-codec';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { UpMessage } from '@authmesh/shared/protocol/up';

/** The frame of a message; an answer that fits none becomes a problem that says so, anything else is undefined. */
export function downFrame(message: DownMessage, codec: SessionCodec<DownMessage, UpMessage>): Uint8Array | undefined {
  try {
    return codec.encode(message);
  } catch (error) {
    if (!(error instanceof FrameTooLargeError)) throw error;
    if (message.type !== 'answer') return undefined;
    const body = { type: 'problem', code: 'too-large', message: 'the answer is too large for one message' } as const;
    return codec.encode({ ...message, body });
  }
}
