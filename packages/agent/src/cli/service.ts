import { createServiceCommands } from '@authmesh/shared/node/service/service-command';
import { gatewayUnit } from '@authmesh/shared/node/service/service-description';
import { chooseAgentHome, homeOption } from './home.ts';
import { sayFarewell, yesOption } from './service-farewell.ts';

/** OpenClaw's gateway reads its logins when it starts: the agent comes first. */
export const serviceCommands = createServiceCommands({
  name: 'authmesh-agent',
  summary: 'authmesh agent: keeps OpenClaw logins in step with the fleet',
  options: [homeOption],
  describe: context => ({
    runArguments: ['--home', chooseAgentHome(context)],
    before: [gatewayUnit],
    after: ['authmesh-coordinator.service'],
  }),
  farewell: { options: [yesOption], say: sayFarewell },
});
