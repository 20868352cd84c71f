import { setTimeout as delay } from 'node:timers/promises';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { runChild } from './child.ts';
import { homeOption, openHome } from './home.ts';

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
    const { home, settings } = await openHome(context);
    const before = await accountOf(home, profile);
    const [program = '', ...rest] = given.length > 0 ? given : usualCommand(settings.reload.command, profile);
    const { status } = await runChild(program, rest);
    if (status !== 0) return status;
    const after = await takenBy(home, profile, before);
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

/** What the daemon knows of a profile's account; it has to run, for it is who sees the new login. */
async function accountOf(home: string, profile: string): Promise<AccountStatus | undefined> {
  const { accounts } = (await askControl({ home, request: { op: 'status' } })) as Status;
  return accounts.find(({ profiles, account }) => profiles.includes(profile) || account === profile);
}

/** Waits until the fleet's login is another one than before, and this host has it. */
async function takenBy(home: string, profile: string, before: AccountStatus | undefined): Promise<AccountStatus> {
  const deadline = performance.now() + takenMsMax;
  for (;;) {
    const now = await accountOf(home, profile);
    if (now?.revision != null && now.fingerprint !== before?.fingerprint) return now;
    if (performance.now() > deadline) {
      throw new AuthmeshError('ERR_NOT_FOUND', `no new login of ${profile} was seen on this host`, {
        hint: 'sign in under that profile, in one of the state folders that `authmesh-agent status` names',
      });
    }
    await delay(lookMs);
  }
}
