import { findOverlaps } from '@authmesh/coordinator/core/pool/overlap';
import { createValidateCommand } from '@authmesh/shared/node/validate-command';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

export const validateCommand = createValidateCommand({
  name: 'authmesh-coordinator',
  options: [dataDirOption],
  load: async context => {
    const { settings, file, origins } = await loadSettings(chooseDataDir(context), context);
    return { file, origins, warnings: findOverlaps(settings.pools) };
  },
});
