import { defineConfig, type RolldownOptions } from 'rolldown';

/** Published programs: each one file of ours, and what it loads later; libraries stay imports (decision 0026). */
export default defineConfig([programOf('agent'), programOf('coordinator')]);

function programOf(name: 'agent' | 'coordinator'): RolldownOptions {
  return {
    input: `packages/${name}/src/cli/authmesh-${name}.ts`,
    platform: 'node',
    external: /^(?!@authmesh\/|packages\/|[./])/,
    output: { dir: `packages/${name}/dist/bin`, cleanDir: true, chunkFileNames: '[name].js' },
  };
}
