import { inspect } from 'node:util';

const mark = '[redacted]';

/** Holds a secret so that no log, JSON, template or debugger shows it; only `reveal` gives it out. */
export class Redacted<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The secret itself, for the one place that needs it. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return mark;
  }

  toJSON(): string {
    return mark;
  }

  [inspect.custom](): string {
    return mark;
  }
}
