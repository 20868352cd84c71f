/** An assignment of a dotenv file, and where its value stands in the text. */
export interface Assignment {
  readonly key: string;
  /** As it stands in the file: with quotes, and the carriage return of a file with such line ends. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const assignment = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*/;

/**
 * The assignments of a dotenv file, in order; the last of a key counts. As `dotenv` 17 and Docker read it: `export`, comments,
 * three kinds of quotes, of which each may span lines.
 */
export function parseDotenv(text: string): Assignment[] {
  const found: Assignment[] = [];
  for (let line = 0; line < text.length; ) {
    const end = endOfLine(text, line);
    const match = assignment.exec(text.slice(line, end));
    if (!match?.[1]) {
      line = end + 1;
      continue;
    }
    const start = line + match[0].length;
    const stop = quotedEnd(text, start) ?? plainEnd(text, start, end);
    found.push({ key: match[1], value: text.slice(start, stop), start, end: stop });
    line = endOfLine(text, stop) + 1;
  }
  return found;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** Behind the closing quote, and the carriage return that ends the line there; undefined where no quote is opened and closed. */
function quotedEnd(text: string, start: number): number | undefined {
  const quote = text[start];
  if (quote !== '"' && quote !== "'" && quote !== '`') return undefined;
  let at = start + 1;
  while (at < text.length && text[at] !== quote) at += quote === '"' && text[at] === '\\' ? 2 : 1;
  if (at >= text.length) return undefined;
  return text.startsWith('\r\n', at + 1) ? at + 2 : at + 1;
}

function plainEnd(text: string, start: number, end: number): number {
  const comment = /(^|[ \t])#/.exec(text.slice(start, end));
  if (!comment) return end;
  return start + text.slice(start, start + comment.index).trimEnd().length;
}

/** The text of a file with one assignment changed; the last of a key is the one that counts. */
export function withAssignment(text: string, key: string, written: string): string {
  const found = parseDotenv(text).findLast(one => one.key === key);
  if (found) {
    // The carriage return of a line belongs to the line, where the value stands in no quotes.
    const isWindows = found.value.endsWith('\r') && found.value !== '\r';
    const stands = isWindows ? found.value.slice(0, -1) : found.value;
    return stands === written && !isWindows ? text : text.slice(0, found.start) + written + text.slice(found.end);
  }
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${key}=${written}\n`;
}
