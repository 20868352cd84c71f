import { createServiceCommands } from '@authmesh/shared/node/service/service-command';
import { gatewayUnit } from '@authmesh/shared/node/service/service-description';
import { chooseDataDir, dataDirOption } from './data-dir.ts';

export const serviceCommands = createServiceCommands({
  name: 'authmesh-coordinator',
  summary: 'authmesh coordinator: decides which login is the freshest and gets it to every host',
  options: [dataDirOption],
  describe: context => ({ runArguments: ['--data-dir', chooseDataDir(context)], before: [gatewayUnit], after: [] }),
});
