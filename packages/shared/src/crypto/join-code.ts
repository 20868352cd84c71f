import { createHash } from 'node:crypto';
import type { InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import { bytes32, inviteId, nodeId } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';
import { parseJson } from './json-text.ts';
import { bytesOfText, keyBytes, textOfBytes } from './key-text.ts';

/** All that a new host needs to join: where to go, whom to trust there, and the invite. */
export interface JoinCode {
  /** `ws://` or `wss://` addresses of the coordinator, tried in turn. */
  readonly urls: readonly string[];
  /** Base64 of the coordinator's public key, pinned from here on. */
  readonly coordinatorKey: string;
  readonly invite: InviteId;
  /** The invite's secret, 32 bytes. */
  readonly secret: Uint8Array;
  /** The founding node; null in the founding code, whose user becomes it. */
  readonly founder: NodeId | null;
}

const prefix = 'authmesh1';
const checksumBytes = 4;

const content = z.object({
  u: z
    .array(
      z
        .string()
        .max(500)
        .regex(/^wss?:\/\/./),
    )
    .min(1)
    .max(8),
  k: bytes32,
  i: inviteId,
  s: bytes32,
  f: nodeId.nullable(),
});

function checksumOf(json: Uint8Array): Buffer {
  return createHash('sha256').update(prefix).update(json).digest().subarray(0, checksumBytes);
}

/** The code as one word: `authmesh1` and base64url of compact JSON and four bytes of its SHA-256. */
export function encodeJoinCode(code: JoinCode): string {
  const { urls, coordinatorKey, invite, secret, founder } = code;
  const json = Buffer.from(
    JSON.stringify({ u: urls, k: coordinatorKey, i: invite, s: textOfBytes(secret), f: founder }),
    'utf8',
  );
  return prefix + Buffer.concat([json, checksumOf(json)]).toString('base64url');
}

/**
 * Reads a code as an operator pasted it: white space and line breaks inside are skipped. `problem` says what is wrong
 * with it and never repeats any of it.
 */
export function decodeJoinCode(text: string): { readonly code: JoinCode } | { readonly problem: string } {
  const word = text.replace(/\s+/g, '');
  const version = /^authmesh(\d)/.exec(word)?.[1];
  if (version === undefined) {
    return { problem: `this is not a join code: a join code starts with "${prefix}"; copy the whole line again` };
  }
  if (!word.startsWith(prefix)) {
    return { problem: `this join code is of version ${version}, this program reads version 1; install a matching one` };
  }
  const bytes = Buffer.from(word.slice(prefix.length), 'base64url');
  const json = bytes.subarray(0, Math.max(0, bytes.length - checksumBytes));
  const foreign = /[^\w-]/.test(word);
  if (foreign || json.length === 0 || !checksumOf(json).equals(bytes.subarray(json.length))) {
    return { problem: 'this join code is incomplete or has a wrong character in it; copy the whole line again' };
  }
  const parsed = content.safeParse(parseJson(json));
  const secret = parsed.success ? bytesOfText(parsed.data.s, keyBytes) : undefined;
  if (!parsed.success || !secret || !bytesOfText(parsed.data.k, keyBytes)) {
    return {
      problem: 'this join code was made by a program that this one does not understand; install a matching one',
    };
  }
  const { u: urls, k: coordinatorKey, i: invite, f: founder } = parsed.data;
  return { code: { urls, coordinatorKey, invite, secret: Uint8Array.from(secret), founder } };
}
