import { setTimeout as delay } from 'node:timers/promises';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { HistoryEntry } from '@authmesh/shared/protocol/answer';
import { runChild } from './child.ts';
import { resolveAccount, withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { besideFleet, explainNone, type KnownLogins, loginsOf, signedIn } from './signed-in.ts';
import { takeBack } from './taking-back.ts';

const lookMs: Milliseconds = 200;
/** For the watcher to see what was written, and the coordinator to make it the fleet's. */
const takenMsMax: Milliseconds = 30 * second;

export const loginCommand: Command = {
  name: 'login',
  summary: 'sign in on this host with the tool’s own command, and give the new login to the fleet',
  arguments: '<profile> [command...]',
  options: [homeOption],
  example: 'authmesh-agent login openai-codex:default -- openclaw models auth login --provider openai-codex',
  async run(context) {
    const [profile = '', ...given] = context.arguments;
    const { home, identity, settings } = await openHome(context);
    const before = loginsOf(await statusIn(home), profile);
    const [program = '', ...rest] = given.length > 0 ? given : usualCommand(settings.reload.command, profile);
    const { status } = await runChild(program, rest);
    if (status !== 0) {
      context.output.say(`The command ended with ${status}: the fleet keeps the login that it has.`);
      return status;
    }
    const adopt = (fingerprint: string) =>
      withCoordinator(identity, settings.coordinators, async session => {
        const { account } = await resolveAccount(session, profile);
        await takeBack(session, identity, account, history => entryOf(history, fingerprint));
      });
    const after = await takenBy(home, profile, before, adopt);
    context.output.data(
      { account: after.account, revision: after.revision, expiresAt: after.expiresAt },
      () => `${after.account} is the fleet’s login now, as revision ${after.revision}.`,
    );
    return 0;
  },
};

/** How OpenClaw itself signs in at the provider of a profile (2026.2.12 and later). */
function usualCommand(openclaw: string, profile: string): readonly string[] {
  const [provider = ''] = profile.split(':');
  const words = openclaw.split(/\s+/).filter(word => word !== '');
  return [...words, 'models', 'auth', 'login', '--provider', provider];
}

/** The daemon has to run, for it is who sees the new login. */
async function statusIn(home: string): Promise<Status> {
  return (await askControl({ home, request: { op: 'status' } })) as Status;
}

/** Waits until the fleet has a new login of this host's; one that stands beside the fleet's is made the fleet's. */
async function takenBy(
  home: string,
  profile: string,
  before: KnownLogins,
  adopt: (fingerprint: string) => Promise<void>,
): Promise<AccountStatus> {
  const deadline = performance.now() + takenMsMax;
  for (;;) {
    const status = await statusIn(home);
    const account = signedIn(status, profile, before);
    if (account) return account;
    if (performance.now() > deadline) throw explainNone(status, profile, before);
    const beside = besideFleet(status, profile, before);
    // What is in its way, like a refresh that goes on, may be over at the next look.
    if (beside !== undefined) await adopt(beside).catch(ignoreRefusal);
    await delay(lookMs);
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof AuthmeshError)) throw error;
}

/** The login as the coordinator has set it aside. */
function entryOf(history: readonly HistoryEntry[], wanted: string): number {
  const entry = history.findLast(({ fingerprint }) => fingerprint === wanted);
  if (!entry) throw new AuthmeshError('ERR_NOT_FOUND', 'the coordinator has yet to hear of the new login');
  return entry.number;
}
