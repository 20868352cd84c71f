import { expect, it } from 'vitest';
import { refreshedSentence } from './refresh.ts';

const end = '2026-11-30T12:00:00.000Z';
const account = 'xai/acct_1';

it.each([
  [{ node: 'pc-a', expiresAt: end }, `xai/acct_1 was refreshed by pc-a: revision 4, until ${end}.`],
  [{ node: 'pc-a', expiresAt: null }, 'xai/acct_1 was refreshed by pc-a: revision 4.'],
  [{ node: 't440', expiresAt: end }, `xai/acct_1 has a new login from t440: revision 4, until ${end}.`],
])('a refresh that pc-a was to do came to a login of %o', (what, sentence) => {
  expect(refreshedSentence({ account, revision: 4, ...what }, 'pc-a')).toBe(sentence);
});
