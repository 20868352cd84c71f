import { resolve } from 'node:path';
import { requireKeys } from '@authmesh/coordinator/io/keys';
import { openStore } from '@authmesh/coordinator/store/store-engines';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

export const backupCommand: Command = {
  name: 'backup',
  summary: 'write a whole copy of the store into a new file, while it runs or not',
  arguments: '<file>',
  options: [dataDirOption],
  example: 'authmesh-coordinator backup /var/backups/authmesh.sqlite',
  async run(context) {
    const dataDir = chooseDataDir(context);
    const file = resolve(context.arguments[0] ?? '');
    try {
      await askControl({ home: dataDir, request: { op: 'backup', file }, timeoutMs: 60_000 });
    } catch (error) {
      if (!(error instanceof AuthmeshError) || error.code !== 'ERR_DAEMON_UNREACHABLE') throw error;
      const keys = await requireKeys(dataDir);
      const { settings } = await loadSettings(dataDir, context);
      const store = await openStore({ dataDir, kind: settings.store, keys });
      await store.backup(file).finally(() => store.close());
    }
    context.output.data(
      { file },
      () => `The store was copied to ${file}. Keep ${dataDir}/keys.json with it: nodes pin that key.`,
    );
    return 0;
  },
};
