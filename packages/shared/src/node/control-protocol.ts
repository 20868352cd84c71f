import type { Socket } from 'node:net';
import { z } from 'zod';

/** Longest line of a request, in bytes. */
export const requestBytesMax = 256 * 1024;
/** Longest line of an answer: the overview of a large fleet. */
export const answerBytesMax = 32 * 1024 * 1024;

/** One line from a client. `probe` asks who listens. */
export const requestLine = z.union([
  z.strictObject({ id: z.number().int(), probe: z.literal(true) }),
  z.strictObject({ id: z.number().int(), request: z.json() }),
]);

/** One line to a client: an item of a stream or the only answer, the end of the answer, or why there is none. */
export const answerLine = z.union([
  z.object({ id: z.number().int(), item: z.json() }),
  z.object({ id: z.number().int(), end: z.literal(true) }),
  z.object({
    id: z.number().int(),
    problem: z.object({
      code: z.string(),
      message: z.string(),
      hint: z.string().optional(),
      exitCode: z.number().int(),
    }),
  }),
]);
export type AnswerLine = z.infer<typeof answerLine>;

/** Calls `onLine` with each line of the socket; `onTooLong` once, when one has no end within `bytesMax`. */
export function readLines(
  socket: Socket,
  bytesMax: number,
  onLine: (line: string) => void,
  onTooLong: () => void,
): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  let over = false;
  socket.on('data', (data: Buffer) => {
    let rest = data;
    while (!over) {
      const end = rest.indexOf(10);
      const part = end < 0 ? rest : rest.subarray(0, end);
      bytes += part.length;
      if (bytes > bytesMax) {
        over = true;
        parts = [];
        onTooLong();
        return;
      }
      parts.push(part);
      if (end < 0) return;
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') onLine(line);
    }
  });
}

/** Writes one line; resolves when the peer has taken it, or is gone. */
export function writeLine(socket: Socket, value: unknown): Promise<void> {
  return new Promise(resolve => {
    if (socket.destroyed || !socket.writable) resolve();
    else socket.write(`${JSON.stringify(value)}\n`, () => resolve());
  });
}
