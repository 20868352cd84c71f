import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { HistoryEntry } from '@authmesh/shared/protocol/answer';
import { resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { takeBack } from './taking-back.ts';

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'take the fleet back to an earlier login of an account',
  arguments: '<profile>',
  options: [
    homeOption,
    {
      flags: '--revision <n>',
      description: 'its revision in `authmesh-agent explain`, or its number when it has none',
    },
    { flags: '--entry <n>', description: 'its number in `authmesh-agent explain`, whatever its revision' },
  ],
  example: 'authmesh-agent restore openai-codex:default --revision 3',
  async run(context) {
    const [profile = ''] = context.arguments;
    const wanted = wantedEntry(context);
    const { identity, settings } = await openHome(context);
    const restored = await withCoordinator(identity, settings.coordinators, async session => {
      const { account } = await resolveAccount(session, profile);
      return takeBack(session, identity, account, history => entryNumber(history, wanted));
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

interface WantedEntry {
  readonly option: '--revision' | '--entry';
  readonly value: number;
}

function wantedEntry({ option }: CommandContext): WantedEntry {
  const name = option('entry') === undefined ? '--revision' : '--entry';
  const text = option(name.slice(2)) ?? '';
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return { option: name, value };
  if (text === '') {
    throw new AuthmeshError('ERR_USAGE', 'it is not said which login to go back to', {
      hint: 'say --revision N; `authmesh-agent explain` lists them',
    });
  }
  throw new AuthmeshError('ERR_USAGE', `${name} is "${text}"`, {
    hint: 'name an entry by its number; `authmesh-agent explain` lists them',
  });
}

/** The number of the entry that is meant; a rollback to the wrong login is worse than a question. */
function entryNumber(history: readonly HistoryEntry[], { option, value }: WantedEntry): number {
  const byNumber = history.find(entry => entry.number === value);
  if (option === '--entry') return value;
  const byRevision = history.findLast(entry => entry.revision === value);
  if (!byRevision) return value;
  // An entry that has a revision goes by it; stale ones are not kept.
  const isTwo = byNumber?.verdict === 'parallel' || byNumber?.verdict === 'unlinked';
  if (!isTwo) return byRevision.number;
  throw new AuthmeshError(
    'ERR_USAGE',
    `--revision ${value} could be entry ${byNumber.number} or entry ${byRevision.number}`,
    {
      hint: `say --entry ${byNumber.number} or --entry ${byRevision.number}; \`authmesh-agent explain\` shows both`,
    },
  );
}
