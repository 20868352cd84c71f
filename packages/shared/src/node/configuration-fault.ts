import type { z } from 'zod';
import { fieldName, isSecretAt, knownNamesAt, type SchemaNode, showValue, valueAt } from './configuration-fields.ts';
import { nearestName } from './edit-distance.ts';
import { AuthmeshError } from './errors.ts';

type Issue = z.core.$ZodIssue;

export interface FaultSources {
  readonly issues: readonly Issue[];
  /** What was checked: the file with the overrides in place. */
  readonly raw: unknown;
  readonly root: SchemaNode;
  readonly file: string;
  /** Which variable or flag gave a field its value. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** The first fault, as a sentence. Of a union, the fault of the alternative that came furthest. */
export function configurationFault({ issues, raw, root, file, overrides }: FaultSources): AuthmeshError {
  const issue = deepest(plainest(issues), []);
  if (!issue) return invalidConfiguration(`${file} is not valid`, 'see the reference of its fields');
  const source = sourceOf(issue.path, overrides) ?? file;
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = knownNamesAt(root, issue.path);
    const nearest = nearestName(key, known);
    const hint = nearest ? `did you mean "${nearest}"?` : `known here: ${[...new Set(known)].join(', ')}`;
    return invalidConfiguration(`${source} has an unknown field "${fieldName([...issue.path, key])}"`, hint);
  }
  const found = showValue(valueAt(raw, issue.path), isSecretAt(root, issue.path));
  const expected = lowerFirst(issue.message.replace(/, received .*$/, '').replace(/^Invalid (?:input|option): /, ''));
  return invalidConfiguration(
    `${source}, field "${fieldName(issue.path)}", is ${found}`,
    expected.replaceAll('"|"', '" or "'),
  );
}

/** A misspelt field is the cause of the missing one beside it. */
function plainest(issues: readonly Issue[]): Issue | undefined {
  return issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
}

function deepest(issue: Issue | undefined, base: readonly PropertyKey[]): Issue | undefined {
  if (!issue) return undefined;
  const path = [...base, ...issue.path];
  const own = { ...issue, path } as Issue;
  if (issue.code !== 'invalid_union') return own;
  const inner = issue.errors
    .map(alternative => deepest(plainest(alternative), path))
    .filter(found => found !== undefined)
    .filter(found => found.path.length > path.length || found.code !== 'invalid_type')
    .sort((a, b) => closeness(b) - closeness(a));
  return inner[0] ?? own;
}

/** How far an alternative came before it failed: one with a misspelt field was the one that was meant. */
function closeness(issue: Issue): number {
  return 2 * issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0);
}

function sourceOf(path: readonly PropertyKey[], overrides: ReadonlyMap<string, string>): string | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const source = overrides.get(fieldName(path.slice(0, depth)));
    if (source !== undefined) return source;
  }
  return undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The operator's error for a configuration that is not valid; ends with 78. */
export function invalidConfiguration(message: string, hint: string): AuthmeshError {
  return new AuthmeshError('ERR_CONFIGURATION', message, { hint });
}
