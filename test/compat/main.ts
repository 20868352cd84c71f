/**
 * `npm run test:compat [-- --only NAME]…`: authmesh's programs against real releases of OpenClaw and other tools, each installed
 * from npm into a cache outside the repository, in homes of their own, with nothing leaving this machine.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { releases } from './release.ts';
import { toolPrograms } from './tool-program.ts';

const all = [...Object.keys(releases), ...Object.keys(toolPrograms)];
const { values } = parseArgs({ options: { only: { type: 'string', multiple: true, default: all } } });
const unknown = values.only.find(one => !all.includes(one));
if (unknown !== undefined) {
  process.stderr.write(`--only takes one of ${all.join(', ')}, not ${unknown}\n`);
  process.exit(64);
}
process.env.AUTHMESH_COMPAT_ONLY = values.only.join(',');
const isLong = (version: string) => releases[version]?.isLong === true;
const isCovered = (...versions: string[]) => versions.every(version => values.only.includes(version));
const files = [
  ...(values.only.some(isLong) ? ['openclaw.test.ts'] : []),
  ...(values.only.some(version => version in releases && !isLong(version)) ? ['releases.test.ts'] : []),
  ...(isCovered('2026.2.12', '2026.9.6') ? ['eras.test.ts'] : []),
  ...(['2026.5.28', '2026.7.1', '2026.9.6'].some(version => isCovered(version)) ? ['refresh-lock.test.ts'] : []),
  ...(isCovered('2026.5.28', '2026.7.1', '2026.9.6') ? ['upgrade.test.ts'] : []),
  ...(values.only.some(one => one in toolPrograms) ? ['tools.test.ts'] : []),
];
const run = await startVitest('test', files, { run: true, config: 'vitest.compat.config.ts' });
await run.close();
