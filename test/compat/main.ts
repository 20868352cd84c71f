/**
 * `npm run test:compat [-- --only VERSION]…`: authmesh's programs against real releases of OpenClaw, each installed
 * from npm into a cache outside the repository, in homes of their own, with nothing leaving this machine.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { releases } from './release.ts';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true, default: Object.keys(releases) } } });
const unknown = values.only.find(version => !(version in releases));
if (unknown !== undefined) {
  process.stderr.write(`--only takes one of ${Object.keys(releases).join(', ')}, not ${unknown}\n`);
  process.exit(64);
}
process.env.AUTHMESH_COMPAT_ONLY = values.only.join(',');
const isLong = (version: string) => releases[version]?.isLong === true;
const isCovered = (...versions: string[]) => versions.every(version => values.only.includes(version));
const files = [
  ...(values.only.some(isLong) ? ['openclaw.test.ts'] : []),
  ...(values.only.every(isLong) ? [] : ['releases.test.ts']),
  ...(isCovered('2026.2.12', '2026.9.6') ? ['eras.test.ts'] : []),
  ...(isCovered('2026.5.28', '2026.7.1', '2026.9.6') ? ['upgrade.test.ts'] : []),
];
const run = await startVitest('test', files, { run: true, config: 'vitest.compat.config.ts' });
await run.close();
