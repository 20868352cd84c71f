import { z } from 'zod';

/** A node of a JSON Schema, as far as it is looked at here. */
export interface SchemaNode {
  readonly type?: string | readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, SchemaNode>> | undefined;
  readonly items?: SchemaNode | undefined;
  readonly additionalProperties?: SchemaNode | boolean | undefined;
  readonly anyOf?: readonly SchemaNode[] | undefined;
  /** The field may hold a secret: its value is never shown. */
  readonly secret?: boolean | undefined;
  readonly [keyword: string]: unknown;
}

/** JSON Schema of a configuration file, made from the object that checks it. */
export function configurationSchema(schema: z.ZodType, title: string): SchemaNode {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
  return { $schema, title, ...rest } as SchemaNode;
}

/** The nodes that may describe what stands at `path`. */
export function schemaNodesAt(root: SchemaNode, path: readonly PropertyKey[]): readonly SchemaNode[] {
  let nodes = alternatives(root);
  for (const part of path) {
    nodes = nodes.flatMap(node => {
      if (typeof part === 'number') return node.items ? alternatives(node.items) : [];
      const property = node.properties?.[String(part)];
      if (property) return alternatives(property);
      return typeof node.additionalProperties === 'object' ? alternatives(node.additionalProperties) : [];
    });
  }
  return nodes;
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf ? [node, ...node.anyOf.flatMap(alternatives)] : [node];
}

/** The names that an object at `path` may have. */
export function knownNamesAt(root: SchemaNode, path: readonly PropertyKey[]): readonly string[] {
  return schemaNodesAt(root, path).flatMap(node => Object.keys(node.properties ?? {}));
}

/** Whether the field at `path`, or one that it is in, may hold a secret. */
export function isSecretAt(root: SchemaNode, path: readonly PropertyKey[]): boolean {
  return path.some((_, depth) => schemaNodesAt(root, path.slice(0, depth + 1)).some(node => node.secret === true));
}

/** `pools[0].match`, as an operator would say it. */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, part) =>
      typeof part === 'number' ? `${name}[${part}]` : name === '' ? String(part) : `${name}.${String(part)}`,
    '',
  );
}

/** The value at `path`; undefined where there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

/** `value` as a sentence can show it: short ones whole, long ones and containers by their kind. */
export function showValue(value: unknown, secret: boolean): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'an object';
  if (secret) return `a ${typeof value === 'string' ? 'text' : typeof value}`;
  if (typeof value === 'string' && value.length > 60) return `a text of ${value.length} characters`;
  return JSON.stringify(value);
}
