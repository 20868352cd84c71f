import type { DownMessage } from '@authmesh/shared/protocol/down';

export type AnswerMessage = Extract<DownMessage, { type: 'answer' }>;

/** Answers that may wait for a peer: an overview of a hundred thousand copies, or several of a common fleet. */
export const answersWaitingMax = 1_024;

/** Answers of one link, sent one after the other. */
export interface AnswerQueue {
  /** False when too many wait: the peer asks and does not read. */
  readonly push: (answer: AnswerMessage) => boolean;
  readonly clear: () => void;
}

/**
 * An overview of a large fleet comes in parts that are ready all at once, and more bytes than an unread link may have:
 * each is sent when the one before has left this process, so that they never count against a peer that reads. `send`
 * calls `sent` then, never from within itself.
 */
export function createAnswerQueue(send: (answer: AnswerMessage, sent: () => void) => void): AnswerQueue {
  let waiting: AnswerMessage[] = [];
  let isSending = false;

  const next = () => {
    const answer = waiting.shift();
    isSending = answer !== undefined;
    if (answer) send(answer, next);
  };

  return {
    push(answer) {
      if (waiting.length >= answersWaitingMax) return false;
      waiting.push(answer);
      if (!isSending) next();
      return true;
    },
    clear() {
      waiting = [];
    },
  };
}
