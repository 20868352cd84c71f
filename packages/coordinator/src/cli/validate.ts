import { createValidateCommand } from '@authmesh/shared/node/validate-command';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

export const validateCommand = createValidateCommand({
  name: 'authmesh-coordinator',
  options: [dataDirOption],
  load: context => loadSettings(chooseDataDir(context), context),
});
