/** How JSON is written down, whoever reads it. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** How an object’s fields are laid out: what stands before a key, after a colon, and before the closing brace. */
export interface Layout {
  readonly lead: string;
  readonly close: string;
  readonly colon: string;
  /** One level of indentation; undefined where the document has everything on one line. */
  readonly unit?: string | undefined;
}

/** The white space that ends at `offset`. */
export function whitespaceBefore(text: string, offset: number): string {
  let start = offset;
  while (start > 0 && /\s/.test(text.charAt(start - 1))) start--;
  return text.slice(start, offset);
}

/** Fields as they stand one after the other in an object of this layout. */
export function joinFields(fields: readonly (readonly [string, Json])[], layout: Layout): string {
  return fields
    .map(([key, value]) => `${JSON.stringify(key)}${layout.colon}${serialize(value, layout)}`)
    .join(`,${layout.lead}`);
}

/** A value as it stands in an object of this layout. */
export function serialize(value: Json, layout: Layout): string {
  if (layout.unit === undefined || value === null || typeof value !== 'object') return JSON.stringify(value);
  return JSON.stringify(value, null, layout.unit).replaceAll('\n', layout.lead);
}

/** Deepest nesting and number of fields, counted without recursion and without understanding the rest. */
export function extentOf(text: string): { readonly depth: number; readonly fields: number } {
  let depth = 0;
  let deepest = 0;
  let fields = 0;
  let isString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (isString) {
      if (character === 0x5c) index++;
      else if (character === 0x22) isString = false;
    } else if (character === 0x22) isString = true;
    else if (character === 0x7b || character === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (character === 0x7d || character === 0x5d) depth--;
    else if (character === 0x3a) fields++;
  }
  return { depth: deepest, fields };
}
