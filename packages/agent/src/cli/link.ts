import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { nodeName, resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

export const linkCommand: Command = {
  name: 'link',
  summary: 'say that the copies of a profile on these hosts are one account',
  arguments: '<profile> <node...>',
  options: [homeOption],
  example: 'authmesh-agent link anthropic:default t440 mac',
  async run(context) {
    const [profile = '', ...names] = context.arguments;
    const { identity, settings } = await openHome(context);
    const linked = await withCoordinator(identity, settings.coordinators, async session => {
      const { account, nodes } = await resolveAccount(session, profile);
      const ids = names.map(name => {
        const node = nodes.find(one => one.name === name || one.id === name);
        if (node) return node.id;
        throw new AuthmeshError('ERR_NOT_FOUND', `the fleet has no node "${name}"`, {
          hint: '`authmesh-agent nodes` lists them',
        });
      });
      await session.ask({ type: 'link', account, nodes: ids }, 'linked');
      return { account: accountLabel(account), nodes: ids.map(id => nodeName(nodes, id)) };
    });
    context.output.data(
      linked,
      () => `The copies of ${linked.account} on ${linked.nodes.join(', ')} are one account now.`,
    );
    return 0;
  },
};
