/** One thing that `doctor` looked at. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'notice' | 'problem';
  readonly found: string;
  /** The command or change that mends it. */
  readonly mend?: string | undefined;
}

/** Looked at, and nothing is wrong. */
export function ok(name: string, found: string): Finding {
  return { name, state: 'ok', found };
}

/** Nothing is broken, and an operator may want to do something. */
export function notice(name: string, found: string, mend: string): Finding {
  return { name, state: 'notice', found, mend };
}

/** Something does not work. */
export function problem(name: string, found: string, mend: string): Finding {
  return { name, state: 'problem', found, mend };
}
