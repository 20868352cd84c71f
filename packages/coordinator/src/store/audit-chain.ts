import { createHmac } from 'node:crypto';
import type { AuditEntry } from '@authmesh/coordinator/core/effect';

/*
 * The audit trail as a chain: each entry carries a link over itself and the one before, keyed with the coordinator's own key, which
 * lies in another file. Whoever changes the store alone can make no link, and no end of the chain (docs/decisions/0037).
 */

/** An entry as it is kept: its text is what the link is over. */
export interface AuditRow {
  readonly number: number;
  readonly text: string;
  readonly link: string;
}

/** The last entry before the trail begins, or the last that it has; sealed, for neither can be told from the entries. */
export interface ChainEnd {
  readonly number: number;
  readonly link: string;
  readonly seal: string;
}

/** A trail as it lies in the store. */
export interface AuditTrail {
  /** What was before the oldest entry that is kept. */
  readonly anchor: ChainEnd;
  readonly rows: readonly AuditRow[];
  readonly head: ChainEnd;
}

/** Makes the links and ends of one coordinator's trail. */
export interface AuditChain {
  /** The end of a trail without entries. */
  readonly origin: ChainEnd;
  /** The next entry after `head`, and the end that it makes. */
  readonly append: (head: ChainEnd, text: string) => { readonly row: AuditRow; readonly head: ChainEnd };
  /** What is before the oldest entry from now on: `row` was the last that went. */
  readonly anchorAt: (row: Pick<AuditRow, 'number' | 'link'>) => ChainEnd;
  /** What is wrong with a trail, in a sentence; undefined where nothing was changed, dropped, added or moved. */
  readonly findBreak: (trail: AuditTrail) => string | undefined;
}

/** The chain under a secret of 32 bytes that is the coordinator's alone. */
export function createAuditChain(secret: Uint8Array): AuditChain {
  const key = createHmac('sha256', secret).update('authmesh audit key 1\0').digest();
  const mac = (...parts: readonly (string | number)[]) =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex');
  const linkOf = (before: string, number: number, text: string) => mac('entry', before, number, text);
  const end = (kind: 'anchor' | 'head', number: number, link: string): ChainEnd => ({
    number,
    link,
    seal: mac(kind, number, link),
  });
  const beginning = mac('beginning');
  return {
    origin: end('head', 0, beginning),
    append({ number: last, link: before }, text) {
      const number = last + 1;
      const link = linkOf(before, number, text);
      return { row: { number, text, link }, head: end('head', number, link) };
    },
    anchorAt: ({ number, link }) => end('anchor', number, link),
    findBreak({ anchor, rows, head }) {
      const { seal } = end('anchor', anchor.number, anchor.link);
      if (anchor.seal !== seal) return 'what is said to come before the oldest entry was changed';
      let { number, link } = anchor;
      for (const row of rows) {
        number += 1;
        if (row.number !== number) return `entry ${number} is missing: entry ${row.number} stands in its place`;
        link = linkOf(link, number, row.text);
        if (row.link !== link) return `entry ${number} is not the one that was written, or is not in its place`;
      }
      if (head.seal !== end('head', head.number, head.link).seal) return 'the end of the trail was changed';
      if (head.number > number) return `entries ${number + 1} to ${head.number} are missing at the end`;
      return head.link === link ? undefined : `entry ${number} is one more than were written`;
    },
  };
}

/** The entry of a row; undefined where its text is none any more. */
export function entryOf({ text }: AuditRow): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === 'object' && entry !== null && 'at' in entry && 'action' in entry
      ? (entry as AuditEntry)
      : undefined;
  } catch {
    return undefined;
  }
}
