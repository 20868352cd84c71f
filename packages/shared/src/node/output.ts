import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where a command prints: stdout is data, stderr is talk. */
export interface Output {
  readonly isJson: boolean;
  /** The command's one result: a JSON document, or the text that a person reads. */
  readonly data: (value: unknown, text: () => string) => void;
  /** One of many results: a JSON document a line, or a line of text. */
  readonly item: (value: unknown, text: () => string) => void;
  /** A sentence beside the data. */
  readonly say: (sentence: string) => void;
  /** Colour, where stdout is a terminal and `NO_COLOR` is not set. */
  readonly paint: (style: Style, text: string) => string;
}

/** The output of this process. A reader that goes away early (`| head`) is no error. */
export function createOutput(isJson: boolean): Output {
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  });
  const print = (text: string) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return {
    isJson,
    data: (value, text) => print(isJson ? JSON.stringify(value, null, 2) : text()),
    item: (value, text) => print(isJson ? JSON.stringify(value) : text()),
    say: sentence => {
      process.stderr.write(`${sentence}\n`);
    },
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** Columns padded to their widest cell, the header first; cells may hold colour. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map(line => visibleWidth(line[column] ?? ''))));
  return lines
    .map(line =>
      line
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function visibleWidth(text: string): number {
  return [...text.replace(colour, '')].length;
}

/** The select-graphic-rendition sequences of ECMA-48 that `styleText` writes. */
const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
