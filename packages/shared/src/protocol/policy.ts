import { z } from 'zod';

const patterns = z.array(z.string().min(1).max(300)).max(200);

/** Which logins take part: globs over provider, account and profile id. */
export const profileFilter = z.strictObject({
  allow: patterns.default(['*']).describe('Logins that take part: globs over provider, account and profile id.'),
  deny: patterns.default([]).describe('Logins that do not, even when allowed.'),
});
