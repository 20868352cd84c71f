import type { ControlReply, ControlRequest } from '@authmesh/agent/core/event';

/** The command line's requests that the machine has yet to answer. */
export interface Requests {
  /** Asks the machine, and gives its answer of the expected kind. */
  readonly ask: <Op extends ControlReply['op']>(
    control: ControlRequest,
    expected: Op,
  ) => Promise<Extract<ControlReply, { op: Op }>>;
  readonly answer: (request: number, reply: ControlReply) => void;
}

/** Numbers requests and brings their answers back; `tell` is given each request with its number. */
export function createRequests(tell: (request: number, control: ControlRequest) => void): Requests {
  const waiting = new Map<number, (reply: ControlReply) => void>();
  let next = 1;
  return {
    async ask<Op extends ControlReply['op']>(control: ControlRequest, expected: Op) {
      const reply = await new Promise<ControlReply>(resolve => {
        const request = next++;
        waiting.set(request, resolve);
        tell(request, control);
      });
      if (reply.op !== expected) throw new TypeError('the machine answered another question');
      return reply as Extract<ControlReply, { op: Op }>;
    },
    answer(request, reply) {
      waiting.get(request)?.(reply);
      waiting.delete(request);
    },
  };
}
