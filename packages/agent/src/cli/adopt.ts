import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { adoptReply } from './control.ts';
import { homeOption, openHome } from './home.ts';

export const adoptCommand: Command = {
  name: 'adopt',
  summary: 'put logins of the fleet that this host lacks into its store',
  arguments: '[profile...]',
  options: [
    homeOption,
    { flags: '--all', description: 'every login that the store lacks' },
    { flags: '--agent <id>', description: 'the OpenClaw agent whose store gets them (default: main)' },
  ],
  example: 'authmesh-agent adopt openai-codex:default',
  async run(context) {
    const profiles = context.arguments;
    if ((profiles.length === 0) !== context.flag('all')) {
      throw new AuthmeshError('ERR_USAGE', 'it is not clear which logins to adopt', {
        hint: 'name profiles, or say --all',
      });
    }
    const { home } = await openHome(context);
    const answer = await askControl({ home, request: { op: 'adopt', profiles, agent: context.option('agent') } });
    const { adopted, problems } = adoptReply.parse(answer);
    context.output.data({ adopted, problems }, () =>
      [
        adopted.length > 0 ? `Adopted ${adopted.join(', ')}.` : 'Nothing was adopted.',
        ...problems.map(({ login, reason }) => `${login}: ${reason}.`),
      ].join('\n'),
    );
    return problems.length > 0 ? 1 : 0;
  },
};
