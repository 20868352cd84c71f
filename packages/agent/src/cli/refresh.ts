import { setTimeout as delay } from 'node:timers/promises';
import { type AccountId, accountLabel, type NodeId } from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { AccountView } from '@authmesh/shared/protocol/answer';
import { type CommandSession, nodeName, resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { iso } from './moment.ts';

const lookMs: Milliseconds = 200;
/** As long as a lease, and a little more: then the coordinator itself says what became of it. */
const waitMsMax: Milliseconds = leaseMs + 10 * second;

export const refreshCommand: Command = {
  name: 'refresh',
  summary: 'have a login refreshed now, by whichever host can, under the account’s lease',
  arguments: '<profile>',
  options: [homeOption],
  example: 'authmesh-agent refresh openai-codex:default',
  async run(context) {
    const [profile = ''] = context.arguments;
    const { identity, settings } = await openHome(context);
    const refreshed = await withCoordinator(identity, settings.coordinators, async session => {
      const { account } = await resolveAccount(session, profile);
      const before = await viewOf(session, account);
      const { node } = await session.ask({ type: 'refresh', account }, 'leased');
      const { nodes } = await session.ask({ type: 'nodes' }, 'overview');
      const nameOf = (id: NodeId | null) => nodeName(nodes, id) ?? 'another host';
      context.output.say(`${nameOf(node)} refreshes ${accountLabel(account)} …`);
      const after = await outcomeOf(session, account, before?.position?.revision ?? 0);
      const login = {
        account: accountLabel(account),
        node: nameOf(after.origin),
        revision: after.position?.revision ?? null,
        expiresAt: iso(after.expiresAt),
      };
      return { login, by: nameOf(node) };
    });
    context.output.data(refreshed.login, () => refreshedSentence(refreshed.login, refreshed.by));
    return 0;
  },
};

/** What the account has come to, whose refresh was left to `by`: somebody may have signed in on another host meanwhile. */
export function refreshedSentence(
  login: {
    readonly account: string;
    readonly node: string;
    readonly revision: number | null;
    readonly expiresAt: string | null;
  },
  by: string,
): string {
  const { account, node, revision, expiresAt } = login;
  const what = node === by ? `was refreshed by ${node}` : `has a new login from ${node}`;
  return `${account} ${what}: revision ${revision}${expiresAt === null ? '' : `, until ${expiresAt}`}.`;
}

/** What to do where no new login came. */
const hints = (profile: string): Readonly<Record<string, string>> => ({
  'needs-login': `sign in again: \`authmesh-agent login ${profile}\``,
  'in-doubt': `it works until it ends; sign in again before that: \`authmesh-agent login ${profile}\``,
  postponed: 'it is tried again by itself; `authmesh-agent status` shows what becomes of it',
});

async function viewOf(session: CommandSession, account: AccountId): Promise<AccountView | undefined> {
  const { accounts } = await session.ask({ type: 'overview' }, 'overview');
  return accounts.find(view => view.account === account);
}

/** Waits until the account has moved on, or the coordinator says why it has not. */
async function outcomeOf(session: CommandSession, account: AccountId, revision: number): Promise<AccountView> {
  const deadline = performance.now() + waitMsMax;
  for (;;) {
    const view = await viewOf(session, account);
    if (view && (view.position?.revision ?? 0) > revision) return view;
    if (view && view.refresh?.state !== 'refreshing') {
      const { state, node, why } = view.refresh ?? {
        state: 'given back',
        node: 'the host',
        why: 'it gave the lease back',
      };
      throw new AuthmeshError(
        'ERR_NOT_REFRESHED',
        `${accountLabel(account)} was not refreshed (${state}): ${node}: ${why}`,
        { hint: hints(view.profile)[state] },
      );
    }
    if (performance.now() > deadline) {
      throw new AuthmeshError('ERR_NOT_REFRESHED', `${accountLabel(account)} was not refreshed in time`, {
        hint: '`authmesh-agent status` shows what becomes of it',
      });
    }
    await delay(lookMs);
  }
}
