import type { Agreement, LeaveResult } from '@authmesh/agent/core/leave/leaving';
import type { LeavePlan, LoginPlan } from '@authmesh/agent/core/leave/plan';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { confirm, hasTerminal } from '@authmesh/shared/node/confirmation';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { homeOption, openHome } from './home.ts';
import { type LeaveHost, withLeaveHost } from './leave-host.ts';
import { leaveSentences, loginName } from './leave-words.ts';
import { iso } from './moment.ts';

export const leaveCommand: Command = {
  name: 'leave',
  summary: 'end this host’s membership; its stores keep what they have, and no login is left without its refresh token',
  options: [
    homeOption,
    { flags: '--yes', description: 'do what would be asked about' },
    {
      flags: '--drop <profile>',
      description: 'leave although this login is lost by it; may be given several times',
      repeatable: true,
    },
  ],
  example: 'authmesh-agent leave',
  async run(context) {
    const opened = await openHome(context);
    const { say } = context.output;
    const { fleet, name } = opened.identity.membership;
    const done = await withLeaveHost(opened, say, host => leaveBy(host, context));
    if (!done.hasLeft) {
      say('Nothing was changed.');
      return exitCodes.problem;
    }
    const { plan, restored, remaining } = done;
    const of = (fate: LoginPlan['fate']) => plan.logins.filter(login => login.fate === fate);
    const result = {
      left: true,
      node: name,
      fleet,
      wasMember: plan.isMember,
      remaining,
      restored: restored.map(({ account, profile, store }) => ({ account: accountLabel(account), profile, store })),
      keptHere: of('stays').map(nameOf),
      keptByFleet: of('ends').map(nameOf),
      dropped: of('lost').map(nameOf),
    };
    context.output.data(result, () => {
      const back = result.restored.map(({ profile, store }) => `${profile} has its refresh token again, in ${store}.`);
      const left = plan.isMember ? `${name} has left fleet ${fleet.slice(0, 12)}.` : `${name} is no member any more.`;
      const gateway = back.length > 0 ? [gatewayWord] : [];
      return [...back, ...gateway, left, ...(remaining === 0 ? [lastWord] : [])].join('\n');
    });
    return exitCodes.ok;
  },
};

const gatewayWord = 'A gateway of OpenClaw that runs may still use what it read before: restart it when that suits.';

/** Others may join, leave or sign in meanwhile; not all the time. */
const attemptsMax = 3;

const lastWord =
  'The fleet has no host left, and its keys are gone: a new fleet needs a coordinator with a data folder of its own.';

type Done =
  | { readonly hasLeft: false }
  | {
      readonly hasLeft: true;
      readonly plan: LeavePlan;
      readonly restored: Restored;
      readonly remaining: number | null;
    };
type Restored = Extract<LeaveResult, { phase: 'left' }>['restored'];

/** What has changed since it was asked about is asked about anew. */
async function leaveBy(host: LeaveHost, context: CommandContext, attempts = attemptsMax): Promise<Done> {
  const plan = await planOf(host);
  refuseLosses(plan, context.options('drop'));
  if (!(await isMeant(plan, context))) return { hasLeft: false };
  const result = await host.leave('membership', agreementOn(plan));
  if (result.phase === 'left') return { hasLeft: true, plan, restored: result.restored, remaining: result.remaining };
  if (result.phase !== 'refused') throw new TypeError('the agent has not left, and does not say why');
  if (result.code !== 'changed' || attempts <= 1) throw refusal(result, 'this host has not left its fleet');
  context.output.say(`What was agreed to is not so any more: ${result.why}.`);
  return leaveBy(host, context, attempts - 1);
}

async function planOf(host: LeaveHost): Promise<LeavePlan> {
  const found = await host.plan();
  if ('plan' in found) return found.plan;
  throw refusal({ phase: 'refused', code: 'away', why: found.away }, 'this host has not left its fleet');
}

/** A login is lost by an operator's word alone. */
function refuseLosses({ logins }: LeavePlan, drops: readonly string[]): void {
  const namesOf = ({ profile, account }: LoginPlan): string[] => [profile, account, accountLabel(account)];
  const known = new Set(logins.flatMap(namesOf));
  const unknown = drops.find(name => !known.has(name));
  if (unknown !== undefined) {
    throw new AuthmeshError('ERR_USAGE', `--drop names ${unknown}, and leaving concerns no login of that name`, {
      hint: `nothing was changed; it concerns: ${logins.map(({ profile }) => profile).join(', ') || 'none'}`,
    });
  }
  const losses = logins.filter(({ fate }) => fate === 'lost');
  const [first] = losses.filter(login => !namesOf(login).some(name => drops.includes(name)));
  if (!first) return;
  throw new AuthmeshError(
    'ERR_REFUSED',
    `${loginName(first)} would be lost, for this host is the last one of its fleet: ${first.why}`,
    {
      hint: `mend that first (\`authmesh-agent adopt ${first.profile}\`, or a new sign-in), or give it up with --drop ${first.profile}`,
    },
  );
}

/** A terminal is asked. Elsewhere what moves a refresh token, or ends a login on other hosts, needs `--yes`. */
async function isMeant(plan: LeavePlan, { flag, output }: CommandContext): Promise<boolean> {
  const sentences = leaveSentences(plan);
  for (const sentence of sentences) output.say(sentence);
  if (flag('yes')) return true;
  if (hasTerminal()) return confirm('Leave the fleet?');
  const grave = plan.logins.find(login => isGrave(plan, login));
  if (!grave) return true;
  throw new AuthmeshError('ERR_USAGE', `leaving concerns ${loginName(grave)}, and there is no terminal to ask on`, {
    hint: 'say --yes where that is meant; nothing was changed',
  });
}

function isGrave({ isMember, othersOnline }: LeavePlan, { fate, isVaulted }: LoginPlan): boolean {
  // Whether anybody is there who refreshes it nobody can say.
  const isDoubtful = fate === 'ends' && isVaulted && (!isMember || othersOnline === 0);
  return isDoubtful || (isMember && (fate === 'restored' || fate === 'stays'));
}

/** What is agreed to by going on. */
export function agreementOn({ isLast, logins }: LeavePlan): Agreement {
  return { isLast, logins: logins.map(({ account, fate }) => ({ account, fate })) };
}

/** Why nothing was done, as an error; `what` did not happen. */
export function refusal({ code, why }: Extract<LeaveResult, { phase: 'refused' }>, what: string): AuthmeshError {
  switch (code) {
    case 'away':
      return new AuthmeshError(
        'ERR_COORDINATOR_UNREACHABLE',
        `${what}, for the coordinator cannot be reached: ${why}`,
        {
          hint: 'start it, or look at its address in agent.json, then run this again; nothing was changed',
        },
      );
    case 'changed':
    case 'busy':
      return new AuthmeshError('ERR_LOCK_HELD', `${what}: ${why}`, { hint: 'run this again in a moment' });
    case 'failed':
      return new AuthmeshError('ERR_REFUSED', `${what}: ${why}`, { hint: 'mend that and run this again' });
    default:
      return code satisfies never;
  }
}

function nameOf({ account, profile, endsAt }: LoginPlan) {
  return { account: accountLabel(account), profile, endsAt: iso(endsAt) };
}
