import { describe, expect, it } from 'vitest';
import { readRefusal } from './token-refusal.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  ({
    end: 'answered',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }) as const;
const read = (...args: Parameters<typeof answer>) => readRefusal('login.example.com', answer(...args), now);

describe('readRefusal', () => {
  it.each([
    ['RFC 6749', 400, { error: 'invalid_grant', error_description: 'gone' }, 'invalid_grant'],
    ['the same with 401', 401, { error: 'invalid_grant' }, 'invalid_grant'],
    ['OpenAI', 401, { error: { code: 'refresh_token_reused', message: 'used' } }, 'refresh_token_reused'],
    ['OpenAI, flat', 401, { error: 'refresh_token_expired' }, 'refresh_token_expired'],
    ['OpenAI, beside', 401, { code: 'refresh_token_invalidated' }, 'refresh_token_invalidated'],
    ['an object with a type', 400, { error: { type: 'invalid_grant' } }, 'invalid_grant'],
  ])('takes the word of %s for a dead token', (_, status, body, word) => {
    expect(read(status, body)).toEqual({ result: 'refused', why: `login.example.com answered ${status} ${word}` });
  });

  it.each([
    ['a client that is not known', 401, { error: 'invalid_client' }, ' 401 invalid_client'],
    ['a word that nobody knows, which is not repeated', 400, { error: 'hunter2' }, ' 400'],
    ['an empty answer', 400, '', ' 400'],
    ['a block', 403, { error: 'invalid_grant' }, ' 403 invalid_grant'],
    ['throttling', 429, { error: { type: 'rate_limit_error' } }, ' 429 rate_limit_error'],
    ['a broken server', 500, 'oops', ' 500 with something that is no JSON'],
    ['a page', 502, '<html></html>', ' 502 with a page for people'],
    ['a redirection', 307, '', ' 307 and points elsewhere, which is not followed'],
  ])('asks again later after %s', (_, status, body, end) => {
    expect(read(status, body)).toEqual({ result: 'postponed', why: `login.example.com answered${end}` });
  });

  it.each([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:01:00 GMT' }, 60_000],
    [
      'a date by a clock that is a day ahead, and says so',
      { 'retry-after': 'Mon, 02 Mar 2026 12:01:00 GMT', date: 'Mon, 02 Mar 2026 12:00:30 GMT' },
      30_000,
    ],
    ['a date that is over', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
  ])('waits as long as it is told, in %s', (_, headers, retryAfterMs) => {
    expect(read(429, '', headers)).toMatchObject({ result: 'postponed', retryAfterMs });
  });

  it.each([['soon'], ['-5'], ['']])('makes nothing of "%s"', retryAfter => {
    expect(read(503, '', { 'retry-after': retryAfter })).not.toHaveProperty('retryAfterMs');
  });
});
