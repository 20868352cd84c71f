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
  const printText = (text: string) => print(visible(text));
  return {
    isJson,
    data: (value, text) => (isJson ? print(JSON.stringify(value, null, 2)) : printText(text())),
    item: (value, text) => (isJson ? print(JSON.stringify(value)) : printText(text())),
    say: sentence => {
      process.stderr.write(`${sentence}\n`);
    },
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** Columns padded to their widest cell, the header first; cells may hold colour. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows.map(row => row.map(cell => visible(cell).replaceAll('\n', '\\n')))];
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

/** What another host named is shown, and does nothing: of control characters only line feeds and our colours get through. */
export function visible(text: string): string {
  return text.replace(controls, found =>
    isColour(found) ? found : `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function isColour(text: string): boolean {
  return text.length > 1;
}

function visibleWidth(text: string): number {
  return [...text.replace(colour, '')].length;
}

const esc = String.fromCharCode(27);
/** The select-graphic-rendition sequences of ECMA-48 that `styleText` writes. */
const colour = new RegExp(`${esc}\\[[0-9;]*m`, 'g');
/** A colour as a whole, or a control character of C0 or C1 but the line feed. */
const controls = new RegExp(`${colour.source}|[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]`, 'g');
