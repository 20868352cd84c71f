import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { configurationFault, invalidConfiguration } from './configuration-fault.ts';
import {
  configurationSchema,
  fieldName,
  isSecretAt,
  type SchemaNode,
  showValue,
  valueAt,
} from './configuration-fields.ts';
import { type AuthmeshError, systemErrorCode, systemReason } from './errors.ts';

/** Ties a field to an environment variable, and to a flag of the command line. */
export interface ConfigurationBinding {
  /** `listen`, `openclaw.stateDirs`. */
  readonly field: string;
  readonly environment?: string | undefined;
  readonly flag?: string | undefined;
  /** How the text of an environment variable becomes a value: a `list` is separated by commas. */
  readonly form?: 'text' | 'list' | undefined;
}

export interface ConfigurationSources<Schema extends z.ZodType> {
  /** A strict object all of whose fields have defaults or are optional. */
  readonly schema: Schema;
  readonly file: string;
  readonly bindings: readonly ConfigurationBinding[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags that were given, by flag (`--listen`). */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Where one value came from: `default`, `file`, or the name of the variable or flag. */
export interface ConfigurationOrigin {
  readonly field: string;
  /** As it is in force; `[redacted]` where the field may hold a secret. */
  readonly value: unknown;
  readonly origin: string;
}

export interface Configuration<Value> {
  readonly value: Value;
  readonly file: string;
  /** Each field that holds a scalar or a list, in the schema's order. */
  readonly origins: readonly ConfigurationOrigin[];
}

/**
 * Reads a configuration in layers: default < file < environment < flag. Throws `ERR_CONFIGURATION` (78) with a sentence
 * that names the file or variable, the field, what was found and what is expected. A missing file is an empty one.
 */
export async function loadConfiguration<Schema extends z.ZodType>(
  sources: ConfigurationSources<Schema>,
): Promise<Configuration<z.output<Schema>>> {
  const { schema, file } = sources;
  const root = configurationSchema(schema, file);
  const raw = await readObject(file);
  const overrides = new Map<string, string>();
  for (const { field, environment, flag, form } of sources.bindings) {
    const text = environment === undefined ? undefined : sources.environment[environment];
    if (environment !== undefined && text !== undefined && text !== '') {
      place(raw, field, form === 'list' ? splitList(text) : text);
      overrides.set(field, environment);
    }
    const given = flag === undefined ? undefined : sources.flags[flag];
    if (flag !== undefined && given !== undefined) {
      place(raw, field, form === 'list' && typeof given === 'string' ? splitList(given) : given);
      overrides.set(field, flag);
    }
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw configurationFault({ issues: parsed.error.issues, raw, root, file, overrides });
  const origins = leavesOf(parsed.data).map(({ path, value }) => ({
    field: fieldName(path),
    value: shown(root, path, value),
    origin: overrides.get(fieldName(path)) ?? (valueAt(raw, path) === undefined ? 'default' : 'file'),
  }));
  return { value: parsed.data, file, origins };
}

async function readObject(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return {};
    throw invalidConfiguration(`${file} cannot be read: ${systemReason(error)}`, 'mend that');
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw notJson(file, text, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalidConfiguration(`${file} holds ${showValue(value, false)}`, 'it has to hold one object: { … }');
}

/** V8 quotes the text around a fault; only the place is taken from its message. */
function notJson(file: string, text: string, error: unknown): AuthmeshError {
  const place = /\(line (\d+) column (\d+)\)/.exec(error instanceof Error ? error.message : '');
  const where = place ? ` at line ${place[1]}, column ${place[2]}` : '';
  const hint = /^\s*(\/\/|\/\*)/m.test(text)
    ? 'JSON has no comments: take them out'
    : 'mend the file, it is plain JSON';
  return invalidConfiguration(`${file} is not valid JSON${where}`, hint);
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** Sets a field of the raw object; objects on the way are copied, anything else in the way is replaced. */
function place(raw: Record<string, unknown>, field: string, value: unknown): void {
  const parts = field.split('.');
  const last = parts.pop() ?? field;
  let target = raw;
  for (const part of parts) {
    const found = target[part];
    const copy = typeof found === 'object' && found !== null && !Array.isArray(found) ? { ...found } : {};
    target[part] = copy;
    target = copy as Record<string, unknown>;
  }
  target[last] = value;
}

/** Every scalar and list of the value, with its path. */
function leavesOf(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; value: unknown }[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : leavesOf(entry, [...path, key])));
}

/** The value without what may be a secret, deep inside a list too. */
function shown(root: SchemaNode, path: readonly PropertyKey[], value: unknown): unknown {
  if (isSecretAt(root, path)) return Array.isArray(value) && value.length === 0 ? value : '[redacted]';
  if (Array.isArray(value)) return value.map((entry, index) => shown(root, [...path, index], entry));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, shown(root, [...path, key], entry)]));
}
