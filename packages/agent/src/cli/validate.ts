import { createValidateCommand } from '@authmesh/shared/node/validate-command';
import { chooseAgentHome, homeOption, loadSettings } from './home.ts';

export const validateCommand = createValidateCommand({
  name: 'authmesh-agent',
  options: [homeOption],
  load: context => loadSettings(chooseAgentHome(context), context),
});
