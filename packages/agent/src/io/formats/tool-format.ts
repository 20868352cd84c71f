import type { ToolName } from '@authmesh/agent/core/tools';
import type { Instant } from '@authmesh/shared/core/time';

/**
 * How a tool keeps its one login in a file of its own. What authmesh does not know of there stays as it is; what it reads
 * is judged like an entry of OpenClaw's.
 */
export interface ToolFormat {
  readonly tool: ToolName;
  /** As its maker calls it. */
  readonly title: string;
  readonly fileName: string;
  /** Nothing in it says whose login it is. */
  readonly isAnonymous?: boolean | undefined;
  /** The folder of its file by the tool's own rule; `~` is the home folder. */
  readonly usualFolder: (environment: Environment) => string;
  /** The login in the file: undefined where there is none, a sentence where the file is not what the tool writes. */
  readonly read: (document: Fields) => ToolLogin | undefined | string;
  /** The text of such a file with another login in it. */
  readonly write: (text: string, login: WrittenLogin, now: Instant) => string;
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a login as they stand in the file, whatever they are. */
export interface ToolLogin {
  readonly access: unknown;
  readonly refresh: unknown;
  /** Epoch milliseconds by this host's clock; undefined where the access token alone says when it ends. */
  readonly expires: unknown;
  readonly idToken?: unknown;
  readonly accountId?: unknown;
  readonly email?: unknown;
}

/** A login to be written: without `refresh` it is one that its tool cannot spend. */
export interface WrittenLogin {
  readonly access: string;
  readonly refresh?: string | undefined;
  readonly idToken?: string | undefined;
  readonly expires: Instant;
}

/** An object's fields; undefined for everything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
