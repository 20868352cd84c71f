import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { systemReason } from '@authmesh/shared/node/errors';
import { storeBytesMax } from './auth-profiles.ts';

/** What tells two states of a file apart without reading it: every write or rename changes one of these. */
export interface FileSignature {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** A file that may be a store: its text, or why nothing is read from it or written to it. */
export type FileRead =
  | { readonly state: 'read'; readonly text: string; readonly signature: FileSignature; readonly target: string }
  | { readonly state: 'absent' }
  /** `passing`: it may be gone at the next look (somebody is just replacing the file). */
  | { readonly state: 'refused'; readonly reason: string; readonly passing: boolean };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function signatureOf(stats: Stats): FileSignature {
  return { inode: stats.ino, size: stats.size, modifiedMs: stats.mtimeMs, changedMs: stats.ctimeMs };
}

export function isSameSignature(a: FileSignature, b: FileSignature): boolean {
  return a.inode === b.inode && a.size === b.size && a.modifiedMs === b.modifiedMs && a.changedMs === b.changedMs;
}

/** One signature that changes when either file does. */
export function bothOf(one: FileSignature, other: FileSignature): FileSignature {
  return {
    inode: one.inode + other.inode,
    size: one.size + other.size,
    modifiedMs: one.modifiedMs + other.modifiedMs,
    changedMs: one.changedMs + other.changedMs,
  };
}

/** The file's signature through symbolic links; undefined when it cannot be looked at. */
export function peekSignature(path: string): FileSignature | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats && signatureOf(stats);
  } catch {
    return undefined;
  }
}

/**
 * Reads a store's text after checking what stands at its path; never throws, never blocks on a pipe. Synchronous, for
 * stores are a few kilobytes: the same calls through the thread pool took five times as long.
 */
export function readStoreFile(path: string): FileRead {
  let file: number | undefined;
  try {
    const target = realpathSync.native(path);
    // A pipe without a writer would block an ordinary open; the check after it is on the very file that was opened.
    file = openSync(target, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    const reason = unfitFile(stats, storeBytesMax);
    if (reason) return refused(reason);
    const text = decoder.decode(readFileSync(file));
    return { state: 'read', text, signature: signatureOf(stats), target };
  } catch (error) {
    return unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Whether nothing stands at the path, not even a link; false where that cannot be told. */
export function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** Where the file is, symbolic links followed; the path itself when there is none. */
export function locate(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Why a file cannot be a store of this user's; undefined where it can. */
export function unfitFile(stats: Stats, bytesMax: number): string | undefined {
  if (stats.isDirectory()) return 'it is a directory';
  if (!stats.isFile()) return 'it is not a regular file';
  if (stats.size > bytesMax) return `it is larger than 8 MiB (${stats.size} bytes)`;
  const user = process.getuid?.();
  if (user !== undefined && user !== 0 && stats.uid !== user) {
    return `it belongs to user ${stats.uid}, and this agent runs as user ${user}: run the agent as its owner`;
  }
  return undefined;
}

function unreadable(path: string, error: unknown): FileRead {
  if (error instanceof TypeError) return refused('it holds binary data', true);
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR': {
      const link = danglingLink(path);
      if (link === undefined) return { state: 'absent' };
      return refused(`it is a symbolic link to ${link}, which does not exist`, true);
    }
    case 'ELOOP':
      return refused('it is a loop of symbolic links');
    case 'EACCES':
    case 'EPERM':
      return refused('this agent may not read it: give its user read and write permission');
    default:
      return refused(`it cannot be read: ${systemReason(error)}`);
  }
}

function danglingLink(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function refused(reason: string, passing = false): FileRead {
  return { state: 'refused', reason, passing };
}

/** The system's name of an error (`ENOSPC`), for sentences to the operator. */
export function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'an unknown error';
}
