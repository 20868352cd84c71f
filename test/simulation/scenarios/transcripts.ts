import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { perform } from './commands.ts';
import { type Block, formatTranscript, parseCommand, parseTranscript } from './script.ts';
import { createStage } from './stage.ts';

const folder = new URL('../transcripts/', import.meta.url);

/** The names of all transcripts. */
export function transcriptNames(): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.txt'))
    .sort();
}

export function readTranscript(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8');
}

/** The transcript as the machines play it today. */
export function playTranscript(text: string): string {
  const stage = createStage();
  const blocks: Block[] = parseTranscript(text).map(({ story, commands }) => {
    for (const line of commands) perform(stage, parseCommand(line));
    return { story, commands, output: stage.lines.splice(0) };
  });
  return formatTranscript(blocks);
}

/** Writes every transcript anew; a reader judges the difference. */
export function rewriteTranscripts(): void {
  for (const name of transcriptNames()) {
    writeFileSync(new URL(name, folder), playTranscript(readTranscript(name)));
  }
}
