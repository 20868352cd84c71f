/**
 * `npm run test:compat [-- --only VERSION]`: authmesh's programs against real releases of OpenClaw, each installed
 * from npm into a cache outside the repository, in homes of their own, with nothing leaving this machine.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { releases } from './release.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
if (values.only !== undefined && !(values.only in releases)) {
  process.stderr.write(`--only takes one of ${Object.keys(releases).join(', ')}, not ${values.only}\n`);
  process.exit(64);
}
if (values.only !== undefined) process.env.AUTHMESH_COMPAT_ONLY = values.only;
const named = values.only === undefined ? undefined : releases[values.only];
const files = named === undefined ? [] : [named.isLong ? 'openclaw.test.ts' : 'releases.test.ts'];
const run = await startVitest('test', files, { run: true, config: 'vitest.compat.config.ts' });
await run.close();
