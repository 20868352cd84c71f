/*
 * A transcript is a conversation with the simulator: command lines, `----`, and what happened, to the next empty line.
 * Lines that start with `#` tell the story.
 *
 *     # Two hosts refresh at once.
 *     refresh pc-a main xai:default
 *     run 2s
 *     ----
 *     +00:00:05.000 pc-a         store-observed …
 */

export interface Block {
  /** Lines of the story. */
  readonly story: readonly string[];
  readonly commands: readonly string[];
  readonly output: readonly string[];
}

export function parseTranscript(text: string): Block[] {
  const blocks: Block[] = [];
  let story: string[] = [];
  let commands: string[] = [];
  let output: string[] | undefined;
  const finish = () => {
    if (commands.length > 0 || story.length > 0) blocks.push({ story, commands, output: output ?? [] });
    story = [];
    commands = [];
    output = undefined;
  };
  for (const line of text.trimEnd().split('\n')) {
    if (output) {
      if (line === '') finish();
      else output.push(line);
    } else if (line === '----') output = [];
    else if (line === '' || line.startsWith('#')) {
      if (commands.length > 0) finish();
      if (line !== '') story.push(line);
    } else commands.push(line);
  }
  finish();
  return blocks;
}

export function formatTranscript(blocks: readonly Block[]): string {
  return `${blocks
    .map(({ story, commands, output }) =>
      [...story, ...commands, ...(commands.length > 0 ? ['----', ...output] : [])].join('\n'),
    )
    .join('\n\n')}\n`;
}

/** A command line: words, and `name=value` options. */
export interface Command {
  readonly name: string;
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

export function parseCommand(line: string): Command {
  const [name = '', ...rest] = line.trim().split(/\s+/);
  const words = rest.filter(word => !word.includes('='));
  const options = new Map<string, string>();
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at > 0) options.set(word.slice(0, at), word.slice(at + 1));
  }
  return { name, words, options };
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `5s`, `10m`, `1h`, `4d`, with a sign if need be. */
export function parseDuration(text: string): number {
  const match = /^([+-]?\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (!match || unit === undefined) throw new Error(`${text} is no duration such as 250ms, 5s, 10m, 1h or 4d`);
  return Number(match[1]) * unit;
}
