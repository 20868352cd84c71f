import type { Command } from '@authmesh/shared/node/command-line';
import { table } from '@authmesh/shared/node/output';
import { nodeName, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { iso } from './moment.ts';

export const nodesCommand: Command = {
  name: 'nodes',
  summary: 'list the hosts of the fleet',
  options: [homeOption],
  example: 'authmesh-agent nodes',
  async run(context) {
    const { identity, settings } = await openHome(context);
    const { nodes } = await withCoordinator(identity, settings.coordinators, session =>
      session.ask({ type: 'nodes' }, 'overview'),
    );
    const rows = nodes.map(node => ({
      id: node.id,
      name: node.name,
      online: node.online,
      lastSeen: iso(node.lastSeen),
      joinedAt: iso(node.joinedAt),
      invitedBy: nodeName(nodes, node.invitedBy),
      version: node.version,
    }));
    context.output.data(rows, () =>
      table(
        ['NAME', 'ONLINE', 'LAST SEEN', 'JOINED', 'INVITED BY', 'VERSION', 'ID'],
        rows.map(row => [
          row.name,
          row.online ? 'yes' : 'no',
          row.lastSeen ?? '-',
          row.joinedAt ?? '-',
          row.invitedBy ?? 'founder',
          row.version,
          row.id,
        ]),
      ),
    );
    return 0;
  },
};
