import { applyEdits, type Edit, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { extentOf, type Json, joinFields, type Layout, serialize, whitespaceBefore } from './json-layout.ts';

/**
 * Strict JSON as text that stays as it is: a change touches the bytes of its own fields and nothing else, however the
 * document is indented, ordered or escaped.
 */

/** Deeper than any store of OpenClaw, far below what would exhaust the stack. */
export const nestingMax = 64;

/** A document, or why it is none. `partial`: it looks like a write that has not ended yet. */
export type JsonRead =
  | { readonly state: 'read'; readonly value: unknown }
  | { readonly state: 'malformed'; readonly reason: string; readonly partial: boolean };

/** Parses strict JSON; duplicate keys and deep nesting are refused, for two readers would understand them differently. */
export function readJson(text: string): JsonRead {
  if (text.trim() === '') return { state: 'malformed', reason: 'it is empty', partial: true };
  if (text.includes('\0')) return { state: 'malformed', reason: 'it holds binary data', partial: true };
  const { depth, fields } = extentOf(text);
  if (depth > nestingMax) {
    return { state: 'malformed', reason: `it is nested more than ${nestingMax} levels deep`, partial: false };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it a secret.
    return { state: 'malformed', reason: `it is not JSON: ${whereItBreaks(text)}`, partial: true };
  }
  // Of two fields of one name the parser keeps one: only then it is worth while to look for the name.
  const duplicate = fields === fieldsIn(value) ? undefined : findDuplicate(parseTree(text));
  if (duplicate) return { state: 'malformed', reason: `the key ${duplicate} appears twice`, partial: false };
  return { state: 'read', value };
}

/** Whether the document has an object at `path`. */
export function hasObject(text: string, path: readonly string[]): boolean {
  return objectAt(text, path) !== undefined;
}

/**
 * The text with fields of the object at `path` set (a value), or removed (`undefined`); a field that already has its
 * value keeps its bytes. Expects a text that `readJson` accepts and a path that `hasObject`.
 */
export function setFields(
  text: string,
  path: readonly string[],
  fields: Readonly<Record<string, Json | undefined>>,
): string {
  const object = objectAt(text, path);
  if (!object) throw new RangeError('there is no object at this path');
  const properties = propertiesOf(object);
  // A map, for a store may have fields that every object of the language inherits (`valueOf`, `constructor`).
  const changes = new Map(Object.entries(fields));
  const isRemoved = ({ key }: Property): boolean => changes.has(key) && changes.get(key) === undefined;
  const kept = properties.filter(property => !isRemoved(property));
  const present = new Set(properties.map(property => property.key));
  const added = [...changes].filter(
    (field): field is [string, Json] => field[1] !== undefined && !present.has(field[0]),
  );
  const layout = layoutOf(text, object, properties);
  if (kept.length === 0) {
    if (properties.length === 0 && added.length === 0) return text;
    const body = added.length === 0 ? '' : `${layout.lead}${joinFields(added, layout)}${layout.close}`;
    return applyEdits(text, [{ offset: object.offset + 1, length: object.length - 2, content: body }]);
  }
  const edits: Edit[] = [...removals(properties, isRemoved)];
  for (const property of kept) {
    const wanted = changes.get(property.key);
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(property.value)) continue;
    edits.push({
      offset: property.valueOffset,
      length: property.end - property.valueOffset,
      content: serialize(wanted, layout),
    });
  }
  const last = kept.at(-1);
  if (last && added.length > 0) {
    edits.push({ offset: last.end, length: 0, content: `,${layout.lead}${joinFields(added, layout)}` });
  }
  return applyEdits(text, edits);
}

interface Property {
  readonly key: string;
  readonly offset: number;
  readonly valueOffset: number;
  readonly end: number;
  readonly value: unknown;
}

function objectAt(text: string, path: readonly string[]): Node | undefined {
  const root = parseTree(text);
  const node = root && findNodeAtLocation(root, [...path]);
  return node?.type === 'object' ? node : undefined;
}

function propertiesOf(object: Node): readonly Property[] {
  return (object.children ?? []).flatMap(property => {
    const [key, value] = property.children ?? [];
    if (!key || !value) return [];
    const end = value.offset + value.length;
    return [{ key: String(key.value), offset: property.offset, valueOffset: value.offset, end, value: value.value }];
  });
}

function* removals(properties: readonly Property[], isRemoved: (property: Property) => boolean): Iterable<Edit> {
  const firstKept = properties.findIndex(property => !isRemoved(property));
  for (const [index, property] of properties.entries()) {
    if (!isRemoved(property)) continue;
    const before = properties[index - 1];
    const after = properties[index + 1];
    // Leading fields go with the comma after them, all others with the comma before them: removals never overlap.
    if (index < firstKept && after) {
      yield { offset: property.offset, length: after.offset - property.offset, content: '' };
    } else if (before) {
      yield { offset: before.end, length: property.end - before.end, content: '' };
    }
  }
}

function layoutOf(text: string, object: Node, properties: readonly Property[]): Layout {
  const root = propertiesOf(topOf(object));
  const rootLead = root[0] ? whitespaceBefore(text, root[0].offset) : '';
  const isMultiline = rootLead.includes('\n');
  const unit = isMultiline ? rootLead.slice(rootLead.lastIndexOf('\n') + 1) : undefined;
  const last = properties.at(-1);
  if (last) {
    const sample = text.slice(last.offset, last.valueOffset);
    const close = whitespaceBefore(text, object.offset + object.length - 1);
    return { lead: whitespaceBefore(text, last.offset), close, colon: sample.slice(sample.lastIndexOf(':')), unit };
  }
  const colon = isMultiline ? ': ' : ':';
  if (unit === undefined) return { lead: '', close: '', colon };
  const newline = rootLead.slice(0, rootLead.lastIndexOf('\n') + 1);
  const depth = depthOfNode(object);
  return { lead: newline + unit.repeat(depth + 1), close: newline + unit.repeat(depth), colon, unit };
}

function topOf(node: Node): Node {
  let top = node;
  while (top.parent) top = top.parent;
  return top;
}

function depthOfNode(node: Node): number {
  let depth = 0;
  for (let above = node.parent; above; above = above.parent) if (above.type === 'object') depth++;
  return depth;
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  return inside.reduce((count: number, one) => count + fieldsIn(one), Array.isArray(value) ? 0 : inside.length);
}

function findDuplicate(node: Node | undefined): string | undefined {
  if (!node?.children) return undefined;
  if (node.type === 'object') {
    const seen = new Set<string>();
    for (const { key } of propertiesOf(node)) {
      if (seen.has(key)) return quoteKey(key);
      seen.add(key);
    }
  }
  for (const child of node.children) {
    const duplicate = findDuplicate(child);
    if (duplicate) return duplicate;
  }
  return undefined;
}

/** Keys are names of fields and profiles, yet a damaged file may have anything there: only a short one is shown. */
function quoteKey(key: string): string {
  return /^[\w.:@-]{1,64}$/.test(key) ? `"${key}"` : 'of a field';
}

function whereItBreaks(text: string): string {
  const errors: { error: number; offset: number; length: number }[] = [];
  parseTree(text, errors, { disallowComments: true });
  const offset = errors[0]?.offset ?? text.length;
  const lines = text.slice(0, offset).split('\n');
  return offset >= text.trimEnd().length
    ? 'it ends in the middle'
    : `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
