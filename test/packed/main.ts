import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { need } from './command.ts';
import { fetchRuntime, findOldRuntime, ownRuntime, type Runtime } from './runtime.ts';
import { checkCommands, checkRefusal, checkSync } from './smoke.ts';
import { build, examineContents, lint, pack, packages, type Tarball } from './tarball.ts';

/** Builds, packs, installs and runs the packages as a user gets them. One line a step; the first failure ends it with 1. */
const folder = await mkdtemp(join(tmpdir(), 'authmesh-packed-'));
let runs = 0;

async function step<Result>(name: string, action: () => Promise<Result>): Promise<Result> {
  const begun = performance.now();
  const result = await action();
  process.stdout.write(`ok ${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s  ${name}\n`);
  return result;
}

async function emptyFolder(): Promise<string> {
  const made = join(folder, `run-${++runs}`);
  await mkdir(made);
  return made;
}

async function install(tarballs: readonly Tarball[]): Promise<string> {
  const installed = join(folder, 'installed');
  await mkdir(installed);
  await writeFile(join(installed, 'package.json'), '{ "private": true }\n');
  const files = tarballs.map(({ file }) => file);
  await need('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...files], { cwd: installed });
  return installed;
}

async function checkSupported(installed: string, runtime: Runtime): Promise<void> {
  await step(`Node ${runtime.version}: --version and --help`, async () =>
    checkCommands(installed, runtime, await emptyFolder()),
  );
  await step(`Node ${runtime.version}: two agents and a coordinator, a changed token arrives`, async () =>
    checkSync(installed, runtime, await emptyFolder()),
  );
}

try {
  await step('build', build);
  const tarballs: Tarball[] = [];
  for (const name of packages) {
    const tarball = await step(`pack @authmesh/${name}`, () => pack(name, folder));
    await step(`contents of @authmesh/${name}`, async () => {
      const problems = await examineContents(tarball);
      if (problems.length > 0) throw new Error(problems.join('\n'));
    });
    await step(`publint and attw on @authmesh/${name}`, () => lint(tarball));
    tarballs.push(tarball);
  }
  const installed = await step('install the tarballs with npm', () => install(tarballs));
  await checkSupported(installed, ownRuntime);
  const oldest = await step('get Node 22.22', () => fetchRuntime('22.22'));
  await checkSupported(installed, oldest);
  const old = await step('find an older Node', findOldRuntime);
  await step(`Node ${old.version}: each program says what it needs and ends with 78`, async () =>
    checkRefusal(installed, old, await emptyFolder()),
  );
} catch (error) {
  process.stderr.write(`test:packed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
