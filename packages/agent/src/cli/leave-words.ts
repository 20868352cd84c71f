import type { LeavePlan, LoginPlan } from '@authmesh/agent/core/leave/plan';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { iso } from './moment.ts';

/** What leaving comes to, a sentence for each login that it changes something for. */
export function leaveSentences(plan: LeavePlan): string[] {
  const { isMember, logins } = plan;
  return [...fleetSentences(plan), ...logins.flatMap(login => sentenceOf(login, isMember))];
}

function fleetSentences({ isMember, isLast, othersOnline, logins }: LeavePlan): string[] {
  if (!isMember) return ['The fleet does not know this host any more: what it keeps of the fleet is removed.'];
  if (isLast) return ['This host is the last one of its fleet: the fleet ends with it.'];
  if (othersOnline > 0 || !logins.some(({ fate }) => fate === 'ends')) return [];
  return ['No other host of the fleet is connected now: a login lives on there only if one of them comes back.'];
}

function sentenceOf(login: LoginPlan, isMember: boolean): string[] {
  const { fate, store, why } = login;
  const name = loginName(login);
  switch (fate) {
    case 'restored':
      return [
        `${name}: nobody is left to refresh it. Its refresh token goes back into ${store}, for OpenClaw to refresh it there.`,
      ];
    case 'stays':
      return [
        `${name}: the OpenClaw of this host goes on refreshing it.${isMember ? ` On the other hosts it ends ${at(login)}, and wants a new sign-in there; \`authmesh-agent home ${login.profile} NODE\` moves it to one of them first.` : ''}`,
      ];
    case 'ends':
      return [`${name}: it ends on this host ${at(login)}. It lives on in the fleet, which keeps its refresh token.`];
    case 'lost':
      return [`${name}: it would be lost: ${why}.`];
    default:
      return fate satisfies never;
  }
}

/** What stopping this host's agent comes to, for each login that needs it. */
export function stopSentences({ logins }: LeavePlan): string[] {
  return logins.flatMap(login => {
    const name = loginName(login);
    switch (login.fate) {
      case 'restored':
        return [
          `${name}: nobody else refreshes it. Its refresh token goes back into ${login.store}, for OpenClaw to refresh it there.`,
        ];
      case 'ends':
        return [`${name}: without the agent it ends on this host ${at(login)}, for nobody delivers a newer one.`];
      case 'lost':
        return [`${name}: without the agent it ends ${at(login)}, and sleeps until one runs again: ${login.why}.`];
      case 'stays':
        return [`${name}: the other hosts do not hear any more of what OpenClaw renews here.`];
      default:
        return login.fate satisfies never;
    }
  });
}

/** The profile, and the account where its name does not tell it. */
export function loginName({ profile, account }: Pick<LoginPlan, 'profile' | 'account'>): string {
  return `${profile} (${accountLabel(account)})`;
}

function at({ endsAt }: LoginPlan): string {
  const end = iso(endsAt);
  return end === null ? 'when the provider ends it' : `at ${end}`;
}
