import { expect, it } from 'vitest';
import { AuthmeshError, errorCatalogue, exitCodeOf, operatorSentence, systemReason } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

it('takes exit code and retryability from the catalogue, and lets one case differ', () => {
  const error = new AuthmeshError('ERR_DAEMON_UNREACHABLE', 'no daemon');
  expect([error.code, error.exitCode, error.retryable]).toEqual(['ERR_DAEMON_UNREACHABLE', 69, true]);
  expect(new AuthmeshError('ERR_REFUSED', 'no', { exitCode: 77 }).exitCode).toBe(77);
});

it('knows no exit code that the contract does not have', () => {
  const known = new Set<number>(Object.values(exitCodes));
  for (const kind of Object.values(errorCatalogue)) expect(known.has(kind.exitCode)).toBe(true);
});

it('prints one sentence without a stack', () => {
  const error = new AuthmeshError('ERR_USAGE', 'the flag --uses is "none"\n', { hint: 'give a number of 1 or more.' });
  expect(operatorSentence(error)).toBe('the flag --uses is "none": give a number of 1 or more.');
  expect(operatorSentence(new TypeError('x is\nnot a function'))).toBe('unexpected error: x is not a function.');
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

it('says system errors in words', () => {
  expect(systemReason(Object.assign(new Error('write'), { code: 'ENOSPC' }))).toBe('the disk is full (ENOSPC)');
  expect(systemReason(Object.assign(new Error('write'), { code: 'EWEIRD' }))).toBe('EWEIRD');
});
