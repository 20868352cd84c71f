import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { HttpAnswer } from '@authmesh/shared/node/http-request';
import { retryAfterOf } from '@authmesh/shared/node/retry-after';
import { asRecord, formOf, parseObject } from './answer-text.ts';

/*
 * What an answer without tokens means. Only a word for a dead refresh token says that a login is over: whoever is throttled,
 * blocked or met by a broken server asks again later (field/oauth.md, 7).
 */

export type Refusal =
  /** The provider did not take the token. */
  | { readonly result: 'postponed'; readonly why: string; readonly retryAfterMs?: Milliseconds | undefined }
  /** The token is dead, by the provider's own word. */
  | { readonly result: 'refused'; readonly why: string };

/** RFC 6749, 5.2, and what OpenAI calls the same (OpenClaw 2026.9.6). */
const deadWords: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_refresh_token',
  'refresh_token_expired',
  'refresh_token_invalidated',
  'refresh_token_reused',
]);

/** Other words of the same RFCs (6749, 8628) and providers: shown, since they say what to mend. */
const otherWords: ReadonlySet<string> = new Set([
  'access_denied',
  'invalid_client',
  'invalid_request',
  'invalid_request_error',
  'invalid_scope',
  'overloaded_error',
  'rate_limit_error',
  'rate_limit_exceeded',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
]);

/** Reads an answer whose status is none of success. `now` counts for a time to wait until, where the answer tells none. */
export function readRefusal(host: string, answer: HttpAnswer, now: Instant): Refusal {
  const { status, headers, body } = answer;
  const words = wordsIn(parseObject(body));
  const dead = words.find(word => deadWords.has(word));
  if (dead !== undefined && (status === 400 || status === 401)) {
    return { result: 'refused', why: `${host} answered ${status} ${dead}` };
  }
  const word = dead ?? words.find(one => otherWords.has(one));
  const retryAfterMs = retryAfterOf(headers, now);
  return {
    result: 'postponed',
    why: `${host} answered ${status}${word === undefined ? formOf(answer) : ` ${word}`}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** `error` is a word, or (OpenAI, Anthropic) an object that has it as `code` or `type`. */
function wordsIn(document: Readonly<Record<string, unknown>> | undefined): string[] {
  const error = asRecord(document?.error);
  return [document?.error, error?.code, error?.type, document?.code, document?.type].flatMap(word =>
    typeof word === 'string' ? [word.toLowerCase()] : [],
  );
}
