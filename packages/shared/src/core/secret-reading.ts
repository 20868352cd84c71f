import type { Fingerprint } from './identifiers.ts';

/** What stands around a value that is the same but for it: quotes, blanks, the ends of lines. */
export const secretForms = ['quotes', 'white space', 'line ends'] as const;
export type SecretForm = (typeof secretForms)[number];

/** What a look at one place of a secret came to. Nothing in it tells the value to whoever lacks the fleet's key. */
export type Found =
  | {
      readonly state: 'read';
      /** Of the value, byte by byte. */
      readonly exact: Fingerprint;
      /** Of the value without what `forms` names. */
      readonly loose: Fingerprint;
      readonly forms: readonly SecretForm[];
    }
  /** The place was looked at, and holds no such value, or an empty one. */
  | { readonly state: 'missing' }
  | { readonly state: 'unreadable'; readonly why: string };

/** One source of one secret, as a host last read it. */
export interface SecretReading {
  readonly name: string;
  /** Secrets of one name are compared within their group: what differs between groups is meant to. */
  readonly group?: string | undefined;
  /** The place that the source stands for, where that is not the host that reads it: a PaaS without an agent. */
  readonly place?: string | undefined;
  /** Where it was read, in words for the operator. */
  readonly source: string;
  /** `stored` will be used from the next start on; `process` is used now. */
  readonly kind: 'stored' | 'process';
  readonly found: Found;
}

const quotes = '"\'`';

/** The value without what often differs between places that mean the same, and what that was. */
export function looseValue(value: string): { readonly text: string; readonly forms: readonly SecretForm[] } {
  const forms = new Set<SecretForm>();
  let text = value;
  if (/[\r\n]$/.test(text) || text.includes('\r\n')) {
    forms.add('line ends');
    text = text.replace(/\r+\n/g, '\n').replace(/\n+$|\r$/, '');
  }
  for (;;) {
    const bare = text.trim();
    if (bare !== text) forms.add('white space');
    text = bare;
    const quote = text.at(0);
    if (text.length < 3 || !quote || !quotes.includes(quote) || text.at(-1) !== quote) break;
    forms.add('quotes');
    text = text.slice(1, -1);
  }
  return { text, forms: secretForms.filter(form => forms.has(form)) };
}
