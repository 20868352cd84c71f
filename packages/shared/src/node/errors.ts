import { type ExitCode, exitCodes } from './exit-codes.ts';

interface ErrorKind {
  readonly exitCode: ExitCode;
  /** Whether the same attempt may succeed later with nothing changed by a person. */
  readonly retryable: boolean;
}

/** Every error that either program names: how the process ends because of it, and whether trying again can help. */
export const errorCatalogue = {
  ERR_USAGE: { exitCode: exitCodes.usage, retryable: false },
  ERR_CONFIGURATION: { exitCode: exitCodes.configuration, retryable: false },
  ERR_NODE_VERSION: { exitCode: exitCodes.configuration, retryable: false },
  ERR_FILE_PERMISSIONS: { exitCode: exitCodes.configuration, retryable: false },
  ERR_FILE_INVALID: { exitCode: exitCodes.configuration, retryable: false },
  ERR_FILE_ACCESS: { exitCode: exitCodes.configuration, retryable: false },
  ERR_NOT_JOINED: { exitCode: exitCodes.configuration, retryable: false },
  ERR_ALREADY_JOINED: { exitCode: exitCodes.usage, retryable: false },
  ERR_ALREADY_RUNNING: { exitCode: exitCodes.tryAgain, retryable: true },
  ERR_DAEMON_UNREACHABLE: { exitCode: exitCodes.unreachable, retryable: true },
  ERR_COORDINATOR_UNREACHABLE: { exitCode: exitCodes.unreachable, retryable: true },
  ERR_COORDINATOR_IDENTITY: { exitCode: exitCodes.notAllowed, retryable: false },
  ERR_PROTOCOL_VERSION: { exitCode: exitCodes.configuration, retryable: false },
  ERR_CODE_INVALID: { exitCode: exitCodes.usage, retryable: false },
  ERR_NOT_ALLOWED: { exitCode: exitCodes.notAllowed, retryable: false },
  ERR_NOT_REFRESHED: { exitCode: exitCodes.problem, retryable: true },
  ERR_NO_PERMIT: { exitCode: exitCodes.tryAgain, retryable: true },
  ERR_LOCK_HELD: { exitCode: exitCodes.tryAgain, retryable: true },
  ERR_ADDRESS_IN_USE: { exitCode: exitCodes.tryAgain, retryable: true },
  ERR_CONTROL_PROTOCOL: { exitCode: exitCodes.problem, retryable: false },
  ERR_STORE_UNAVAILABLE: { exitCode: exitCodes.tryAgain, retryable: true },
  ERR_STORE_CORRUPT: { exitCode: exitCodes.problem, retryable: false },
  ERR_STORE_SCHEMA: { exitCode: exitCodes.configuration, retryable: false },
  ERR_BACKUP_EXISTS: { exitCode: exitCodes.usage, retryable: false },
  ERR_SERVICE: { exitCode: exitCodes.problem, retryable: false },
  ERR_NOT_FOUND: { exitCode: exitCodes.problem, retryable: false },
  ERR_REFUSED: { exitCode: exitCodes.problem, retryable: false },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface ErrorDetails {
  /** What the operator does about it: an imperative, often with the exact command. */
  readonly hint?: string | undefined;
  /** Where this very case ends otherwise than its code usually does. */
  readonly exitCode?: ExitCode | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * An error of the operator's or the environment's making. Its message names the thing and what was found, its `hint`
 * what to do. Neither ever holds a secret. Errors of the program itself are plain `Error`s and crash.
 */
export class AuthmeshError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AuthmeshError';
    this.code = code;
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? errorCatalogue[code].exitCode;
    this.retryable = details.retryable ?? errorCatalogue[code].retryable;
  }
}

/** The line that an operator reads: what was found, then what to do; never a stack. */
export function operatorSentence(error: unknown): string {
  if (error instanceof AuthmeshError) {
    const message = oneLine(error.message);
    if (error.hint === undefined) return `${message}.`;
    const hint = oneLine(error.hint);
    return `${message}: ${hint}${hint.endsWith('?') ? '' : '.'}`;
  }
  return `unexpected error: ${oneLine(error instanceof Error ? error.message : String(error))}.`;
}

/** How a process ends because of `error`: by its exit code, or 1 when it is nothing that we know. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof AuthmeshError ? error.exitCode : exitCodes.problem;
}

/** The `code` of a Node system error (`ENOENT`, `EACCES` …), when `error` is one. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const systemReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EEXIST: 'it already exists',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'this process has too many open files',
  ENAMETOOLONG: 'the path is too long',
  ENFILE: 'this host has too many open files',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a directory',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an input/output error',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
};

/** A system error in words, for sentences such as `cannot write FILE: the disk is full`. */
export function systemReason(error: unknown): string {
  const code = systemErrorCode(error);
  const reason = code === undefined ? undefined : systemReasons[code];
  if (reason !== undefined) return `${reason} (${code})`;
  return code ?? (error instanceof Error ? oneLine(error.message) : String(error));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/[.!]$/, '');
}
