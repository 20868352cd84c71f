import type { LeavePlan } from '@authmesh/agent/core/leave/plan';
import { planLeave } from '@authmesh/agent/core/leave/plan';
import { readDiskState } from '@authmesh/agent/io/disk-state';
import { readKeys } from '@authmesh/agent/io/identity';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { CommandContext, CommandOption } from '@authmesh/shared/node/command-line';
import { confirm, hasTerminal } from '@authmesh/shared/node/confirmation';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { chooseAgentHome, type OpenedHome, openHome } from './home.ts';
import { agreementOn, refusal } from './leave.ts';
import { type LeaveHost, withLeaveHost } from './leave-host.ts';
import { loginName, stopSentences } from './leave-words.ts';

export const yesOption: CommandOption = { flags: '--yes', description: 'do what would be asked about' };

/**
 * Before the service of a member goes: says which logins need its agent, asks, and puts back what nobody else can refresh.
 * Gives what was put back; undefined: the service stays.
 */
export async function sayFarewell(context: CommandContext): Promise<object | undefined> {
  const { membership } = await readKeys(chooseAgentHome(context));
  if (!membership) return {};
  const opened = await openHome(context);
  const done = await withLeaveHost(opened, context.output.say, host => partBy(host, opened, context));
  if (!done.isMeant) context.output.say('Nothing was changed.');
  return done.isMeant ? { restored: done.restored } : undefined;
}

async function partBy(host: LeaveHost, opened: OpenedHome, context: CommandContext) {
  const found = await host.plan();
  const plan = 'plan' in found ? found.plan : await planByDisk(opened, found.away, context);
  if (!(await isMeant(plan, context))) return { hasLeft: false, isMeant: false, restored: [] };
  if (!plan.logins.some(({ fate }) => fate === 'restored')) return { hasLeft: false, isMeant: true, restored: [] };
  const result = await host.leave('work', agreementOn(plan));
  if (result.phase === 'refused') throw refusal(result, 'the service stays');
  const restored = result.restored.map(({ account, profile, store }) => ({
    account: accountLabel(account),
    profile,
    store,
  }));
  for (const { profile, store } of restored) context.output.say(`${profile} has its refresh token again, in ${store}.`);
  return { hasLeft: false, isMeant: true, restored };
}

/** Whether others refresh the logins is for the coordinator to say: without it nothing is put back. */
async function planByDisk(
  { home, identity, settings }: OpenedHome,
  why: string,
  { output }: CommandContext,
): Promise<LeavePlan> {
  output.say(`The coordinator cannot be reached (${why}): no refresh token is put back, for another host may hold it.`);
  const { state } = await readDiskState({ home, identity, config: settings.config, places: settings.places });
  return planLeave(state, false);
}

async function isMeant(plan: LeavePlan, { flag, output }: CommandContext): Promise<boolean> {
  for (const sentence of stopSentences(plan)) output.say(sentence);
  if (flag('yes')) return true;
  const advice = 'To end the membership of this host as well, run `authmesh-agent leave` instead, and this after it.';
  if (hasTerminal()) {
    output.say(advice);
    return confirm('Remove the service?');
  }
  const [first] = plan.logins.filter(({ fate }) => fate !== 'stays');
  if (!first) return true;
  throw new AuthmeshError(
    'ERR_USAGE',
    `${loginName(first)} needs the agent of this host, and there is no terminal to ask on`,
    {
      hint: 'say --yes where that is meant; the service stays',
    },
  );
}
