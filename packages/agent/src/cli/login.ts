import { setTimeout as delay } from 'node:timers/promises';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { runChild } from './child.ts';
import { homeOption, openHome } from './home.ts';
import { explainNone, type KnownLogins, loginsOf, signedIn } from './signed-in.ts';

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
    const before = loginsOf(await statusIn(home), profile);
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

/** The daemon has to run, for it is who sees the new login. */
async function statusIn(home: string): Promise<Status> {
  return (await askControl({ home, request: { op: 'status' } })) as Status;
}

/** Waits until the fleet has a new login of this host's. */
async function takenBy(home: string, profile: string, before: KnownLogins): Promise<AccountStatus> {
  const deadline = performance.now() + takenMsMax;
  for (;;) {
    const status = await statusIn(home);
    const account = signedIn(status, profile, before);
    if (account) return account;
    if (performance.now() > deadline) throw explainNone(status, profile, before);
    await delay(lookMs);
  }
}
