import { createInterface } from 'node:readline/promises';

/** Where a question is put to an operator. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };
}

/** stdout is data: questions go to stderr. */
const ownTerminal: Terminal = { input: process.stdin, output: process.stderr };

/** Whether somebody sits there who can answer. */
export function hasTerminal({ input, output }: Terminal = ownTerminal): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/** Asks, and takes nothing but a clear yes for one: neither an empty line, nor the end of the input, nor Ctrl-C. */
export async function confirm(question: string, { input, output }: Terminal = ownTerminal): Promise<boolean> {
  const lines = createInterface({ input, output });
  // Without a listener of its own readline would swallow the key, and wait.
  lines.once('SIGINT', () => lines.close());
  const ended = new Promise<string>(resolve => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
