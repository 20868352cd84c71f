import { accountLabel } from '@authmesh/shared/core/identifiers';
import { openRecord, sealRecord } from '@authmesh/shared/crypto/sealed-record';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'take the fleet back to an earlier login of an account',
  arguments: '<profile>',
  options: [homeOption, { flags: '--revision <n>', description: 'the entry’s number in `authmesh-agent explain`' }],
  example: 'authmesh-agent restore openai-codex:default --revision 3',
  async run(context) {
    const [profile = ''] = context.arguments;
    const number = Number(context.option('revision'));
    if (!Number.isInteger(number) || number < 1) {
      throw new AuthmeshError('ERR_USAGE', `--revision is "${context.option('revision') ?? ''}"`, {
        hint: 'name an entry by its number; `authmesh-agent explain` lists them',
      });
    }
    const { identity, settings } = await openHome(context);
    const { keys, membership } = identity;
    const { fleet, secrets } = membership;
    const restored = await withCoordinator(identity, settings.coordinators, async session => {
      const { account } = await resolveAccount(session, profile);
      const entry = await session.ask({ type: 'candidate', account, number }, 'candidate');
      const opened = openRecord(entry.sealed, { fleetKey: secrets.fleetKey, fleet, account });
      if ('problem' in opened)
        throw new AuthmeshError('ERR_REFUSED', `entry ${number} cannot be restored: ${opened.problem}`);
      // A refresh token that was used up would kill the login at its first use (RFC 9700 §4.14): it stays out.
      const credential = entry.refreshSpent
        ? { ...opened.record.credential, refresh: undefined }
        : opened.record.credential;
      const generation = entry.generation + 1;
      const record = sealRecord({ fleet, account, generation, originKey: keys.signing, credential }, secrets.fleetKey);
      if ('problem' in record) throw new AuthmeshError('ERR_REFUSED', record.problem);
      const spendable = credential.refresh !== undefined;
      const { position } = await session.ask(
        { type: 'rollback', account, number, generation, spendable, sealed: record.sealed },
        'published',
      );
      return {
        account: accountLabel(account),
        entry: number,
        revision: position.revision,
        refreshSpent: entry.refreshSpent,
      };
    });
    if (restored.refreshSpent) {
      context.output.say(
        'Its refresh token has been used up by a newer login and was left out: this login ends with its access token.',
      );
    }
    context.output.data(
      restored,
      () => `${restored.account} is back at entry ${restored.entry}, as revision ${restored.revision}.`,
    );
    return 0;
  },
};
