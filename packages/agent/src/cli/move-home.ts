import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

export const moveHomeCommand: Command = {
  name: 'home',
  summary: 'say on which host a login lives: under custody "home" that host alone holds its refresh token',
  arguments: '<profile> <node>',
  options: [homeOption],
  example: 'authmesh-agent home openai-codex:default pc-a',
  async run(context) {
    const [profile = '', name = ''] = context.arguments;
    const { identity, settings } = await openHome(context);
    const moved = await withCoordinator(identity, settings.coordinators, async session => {
      const { account, nodes } = await resolveAccount(session, profile);
      const node = nodes.find(one => one.name === name || one.id === name);
      if (!node) {
        throw new AuthmeshError('ERR_NOT_FOUND', `the fleet has no node "${name}"`, {
          hint: '`authmesh-agent nodes` lists them',
        });
      }
      const { position } = await session.ask({ type: 'home', account, node: node.id }, 'published');
      return { account: accountLabel(account), home: node.name, revision: position.revision };
    });
    context.output.data(moved, () => `${moved.account} lives on ${moved.home}.`);
    return 0;
  },
};
