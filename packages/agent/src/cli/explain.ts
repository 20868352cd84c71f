import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Command } from '@authmesh/shared/node/command-line';
import { table } from '@authmesh/shared/node/output';
import { nodeName, resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { iso } from './moment.ts';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'say why a login is the current one, and what became of the others',
  arguments: '<profile>',
  options: [homeOption],
  example: 'authmesh-agent explain openai-codex:default',
  async run(context) {
    const [profile = ''] = context.arguments;
    const { identity, settings } = await openHome(context);
    const told = await withCoordinator(identity, settings.coordinators, async session => {
      const { account } = await resolveAccount(session, profile);
      return session.ask({ type: 'history', account }, 'history');
    });
    const { nodes, current } = told;
    const explanation = {
      account: accountLabel(told.account),
      current: current && {
        revision: current.position.revision,
        fingerprint: current.access,
        origin: nodeName(nodes, current.origin),
        acceptedAt: iso(current.acceptedAt),
        expiresAt: iso(current.expiresAt),
        why: current.why,
      },
      history: told.history.map(entry => ({ ...entry, origin: nodeName(nodes, entry.origin), at: iso(entry.at) })),
    };
    context.output.data(explanation, () => {
      const head = explanation.current
        ? `${explanation.account} is at revision ${explanation.current.revision} (${explanation.current.fingerprint.slice(0, 12)}) from ${explanation.current.origin}: ${explanation.current.why}.`
        : `${explanation.account} has no current login yet.`;
      const rows = explanation.history.map(entry => [
        String(entry.number),
        entry.revision === undefined ? '-' : String(entry.revision),
        entry.fingerprint?.slice(0, 12) ?? '-',
        entry.origin ?? '-',
        entry.at,
        entry.verdict,
        entry.why,
      ]);
      return `${head}\n\n${table(['NO', 'REVISION', 'FINGERPRINT', 'FROM', 'AT', 'VERDICT', 'WHY'], rows)}`;
    });
    return 0;
  },
};
