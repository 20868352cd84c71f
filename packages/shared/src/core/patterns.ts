/** What a pattern is held against: provider, account label and profile id of one login. */
export interface Subject {
  readonly provider: string;
  readonly account: string;
  readonly profile: string;
}

/** Which logins take part: one that some `allow` pattern and no `deny` pattern matches. */
export interface ProfileFilter {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const compiled = new Map<string, RegExp>();

/** A glob of `*` (any run of characters, separators too: profile ids hold e-mail addresses and slashes) and `?`. */
function patternToRegExp(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const made = new RegExp(`^${source}$`, 'is');
  compiled.set(pattern, made);
  return made;
}

/** Whether the glob matches the whole text. */
export function matchesText(pattern: string, text: string): boolean {
  return patternToRegExp(pattern).test(text);
}

/** Whether `pattern` matches the provider, the account or the profile id. */
export function matchesPattern(pattern: string, subject: Subject): boolean {
  const expression = patternToRegExp(pattern);
  return expression.test(subject.profile) || expression.test(subject.account) || expression.test(subject.provider);
}

/** The value of the first matching pattern, in the order in which they were written. */
export function firstMatch<Value>(patterns: Readonly<Record<string, Value>>, subject: Subject): Value | undefined {
  for (const [pattern, value] of Object.entries(patterns)) if (matchesPattern(pattern, subject)) return value;
  return undefined;
}

/** Whether the filter lets every login take part, as most do: then nobody has to put a subject together. */
export function passesAll({ allow, deny }: ProfileFilter): boolean {
  return deny.length === 0 && allow.includes('*');
}

/** Whether the filter lets this login take part. */
export function passesFilter(filter: ProfileFilter, subject: Subject): boolean {
  return (
    filter.allow.some(pattern => matchesPattern(pattern, subject)) &&
    !filter.deny.some(pattern => matchesPattern(pattern, subject))
  );
}
