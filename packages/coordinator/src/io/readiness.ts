import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { operatorSentence } from '@authmesh/shared/node/errors';
import type { HttpAnswer } from './http-answers.ts';

/** The check writes and syncs, and whoever reaches the port may ask for it. */
const verdictMs: Milliseconds = second;

/**
 * Answers whether the store takes writes, by `check`, which throws when it does not. One check serves everybody who
 * asks while it runs, and for a second after. `now` is in milliseconds and only rises.
 */
export function createReadiness(
  check: () => Promise<void>,
  now: () => Milliseconds = () => performance.now(),
): () => Promise<HttpAnswer> {
  let verdict: Promise<HttpAnswer> | undefined;
  let goodUntil = 0;

  async function ask(): Promise<HttpAnswer> {
    try {
      await check();
      return { status: 200, body: 'ready\n' };
    } catch (error) {
      return { status: 503, body: `the store does not take writes: ${operatorSentence(error)}\n` };
    } finally {
      goodUntil = now() + verdictMs;
    }
  }

  return () => {
    if (verdict && now() < goodUntil) return verdict;
    goodUntil = Number.POSITIVE_INFINITY;
    verdict = ask();
    return verdict;
  };
}
