/**
 * JSON for the states and events of the cores: plain objects, arrays, scalars, `Map` and `Set`, and the numbers that
 * JSON lacks. Fields that are `undefined` are left out, as the types here say that absent and `undefined` are one.
 *
 * What JSON lacks is written as an object with a single key that begins with `$`; a plain object with such a key is
 * wrapped in `$object`, so that no value is mistaken for another.
 */
export function encodePlain(value: unknown): string {
  return JSON.stringify(isJson(value) ? value : toJson(value));
}

/** The inverse of `encodePlain`. */
export function decodePlain(text: string): unknown {
  return fromJson(JSON.parse(text));
}

/** Whether JSON has all of it, as it has most events: then nothing needs to be copied. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean' || value === undefined;
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isJson);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.entries(value).every(([key, entry]) => !key.startsWith('$') && isJson(entry));
}

function toJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) };
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
      throw new TypeError(`a ${typeof value} is not plain data`);
    }
    return value;
  }
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return { $map: [...value].map(([key, entry]) => [toJson(key), toJson(entry)]) };
  if (value instanceof Set) return { $set: [...value].map(toJson) };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`an instance of ${value.constructor.name} is not plain data`);
  }
  const entries = Object.entries(value).map(([key, entry]) => [key, toJson(entry)] as const);
  return entries.some(([key]) => key.startsWith('$')) ? { $object: entries } : Object.fromEntries(entries);
}

function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromJson);
  const record = value as Readonly<Record<string, unknown>>;
  if ('$number' in record) return Number(record.$number);
  if ('$map' in record) return new Map(pairs(record.$map));
  if ('$set' in record) return new Set((record.$set as unknown[]).map(fromJson));
  if ('$object' in record) return Object.fromEntries(pairs(record.$object) as [string, unknown][]);
  return Object.fromEntries(Object.entries(record).map(([key, entry]) => [key, fromJson(entry)]));
}

function pairs(value: unknown): [unknown, unknown][] {
  return (value as [unknown, unknown][]).map(([key, entry]) => [fromJson(key), fromJson(entry)]);
}
