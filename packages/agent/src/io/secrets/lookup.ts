import { systemErrorCode, systemReason } from '@authmesh/shared/node/errors';

/** What stands in one place of a secret. The value goes no further than to whoever makes its fingerprint. */
export type Lookup = {
  /** Where it was looked up, in words for the operator. */
  readonly source: string;
  readonly kind: 'stored' | 'process';
} & (
  | { readonly state: 'read'; readonly value: string }
  | { readonly state: 'missing' }
  | { readonly state: 'unreadable'; readonly why: string }
);

/** A value, or that there is none: an empty one is none. */
export function lookedUp(place: Pick<Lookup, 'source' | 'kind'>, value: string | undefined): Lookup {
  return value === undefined || value === '' ? { ...place, state: 'missing' } : { ...place, state: 'read', value };
}

/** Why a file could not be read; its content is never quoted. */
export function fileTrouble(error: unknown): string {
  return systemErrorCode(error) === 'ENOENT' ? 'there is no such file' : systemReason(error);
}

/** A JSON document whose text is no part of any error. */
export function parsedJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** What `pointer` (RFC 6901) names in a document: text, or a number or truth value as text; undefined where nothing stands. */
export function textAt(
  document: unknown,
  pointer: string,
): { readonly text: string | undefined } | { readonly why: string } {
  let at = document;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return { text: undefined };
    at = (at as Record<string, unknown>)[name];
  }
  if (at === null || at === undefined) return { text: undefined };
  return typeof at === 'object' ? { why: `what ${pointer || 'the document'} names is no text` } : { text: String(at) };
}
