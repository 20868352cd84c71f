import { foundingCodeOf } from '@authmesh/coordinator/io/founding';
import { requireKeys } from '@authmesh/coordinator/io/keys';
import { loadRows } from '@authmesh/coordinator/store/rows';
import { openStore } from '@authmesh/coordinator/store/store-engines';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { readAddress } from './address.ts';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

export const codeCommand: Command = {
  name: 'code',
  summary: 'print the founding code again, while the fleet has no node',
  options: [dataDirOption],
  example: 'authmesh-coordinator code',
  async run(context) {
    const dataDir = chooseDataDir(context);
    const { settings } = await loadSettings(dataDir, context);
    const keys = await requireKeys(dataDir);
    const store = await openStore({ dataDir, kind: settings.store, keys });
    const { nodes } = await loadRows(store).finally(() => store.close());
    const { host, port } = settings.listen;
    const known = settings.publicUrls.length > 0 ? settings.publicUrls : await readAddress(dataDir);
    const urls = known.length > 0 ? known : [`ws://${host.includes(':') ? `[${host}]` : host}:${port}`];
    const foundingCode = foundingCodeOf(keys, urls, nodes.length > 0);
    if (foundingCode === null && nodes.every(({ record }) => record.left)) {
      throw new AuthmeshError(
        'ERR_NOT_ALLOWED',
        'every host has left this fleet, and its keys went with the last one',
        {
          hint: 'for a new fleet run `authmesh-coordinator run` with a data folder of its own (--data-dir)',
        },
      );
    }
    if (foundingCode === null) {
      throw new AuthmeshError('ERR_NOT_ALLOWED', 'the fleet has a node already, so its founding code is used up', {
        hint: 'on one of its hosts, run `authmesh-agent invite`',
      });
    }
    context.output.data(
      { foundingCode, command: `authmesh-agent join ${foundingCode}` },
      () => `authmesh-agent join ${foundingCode}`,
    );
    return 0;
  },
};
