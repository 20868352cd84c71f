import { table } from '@authmesh/shared/node/output';
import type { Held } from './host.ts';
import type { Login } from './login.ts';
import type { Programs } from './program.ts';
import { agentCount, sessionLimit } from './return.ts';
import type { Judgement } from './service.ts';
import type { HostOutcome, Outcome } from './story.ts';

/** The table of what happened; every cell comes from the hosts' files, and from the clock. */
export function describeRun(outcome: Outcome): string {
  const { pcA, t440, mac, first, current, startedAt, history, byHand, inWaves } = outcome;
  const row = (one: HostOutcome) => [
    one.host.name,
    String(one.host.stores.length),
    summarise(one.before, held => describeBefore(held, outcome)),
    summarise(one.after, held => describeAfter(held, outcome)),
    one.tookMs === null ? '-' : `${(one.tookMs / 1_000).toFixed(1)} s`,
    describeHolders(one),
  ];
  const header = ['HOST', 'STORES', 'BEFORE', 'AFTER', 'TOOK', 'REFRESH TOKEN'];
  const accepted = history.filter(({ verdict }) => verdict === 'accepted');
  const origins = [...new Set(accepted.map(({ origin }) => origin))].join(' and ');
  const spentLeft = [pcA, t440, mac].flatMap(({ after }) => after).filter(({ refresh }) => refresh === first.refresh);
  const marked = t440.after.filter(({ cooldownUntil }) => (cooldownUntil ?? 0) > startedAt).length;
  return [
    '',
    table(header, [pcA, t440, mac].map(row)),
    '',
    table(
      ['AFTER', 'WHAT HAPPENED'],
      [...story('tokens copied by hand', byHand), ...story('healed by authmesh', inWaves)],
    ),
    '',
    table(
      [`${agentCount} AGENTS, ${sessionLimit} AT ONCE`, 'REFUSED', 'ASKED AT ONCE', 'LET IN AT ONCE', 'ALL READY'],
      [judged('tokens copied by hand', byHand), judged('authmesh, pool techsfree-web', inWaves)],
    ),
    '',
    `Healed: ${countCurrent(t440, current)} of ${t440.host.stores.length} stores of t440, and ${t440.host.stores.length - marked} of their cooldowns lifted.`,
    `The old pair of mac was refused and spread nowhere: ${accepted.length} logins were accepted, all from ${origins};`,
    `${spentLeft.length} stores hold the spent refresh token. \`status\` on all three hosts shows fingerprint ${outcome.fingerprint.slice(0, 12)}.`,
    `${Math.round(outcome.searchedBytes / 1_024)} KiB of data, journals and logs were searched: tokens stand in OpenClaw's own stores only.`,
    `It took ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`,
  ].join('\n');
}

/** What the service saw, a line for what came together. */
function story(what: string, { waves }: Judgement): string[][] {
  return waves.map(({ afterMs, started, refused }) => {
    const asked = started + refused;
    const sessions = asked === 1 ? '1 session asks' : `${asked} sessions ask`;
    return [seconds(afterMs), `${what}: ${sessions}, ${started} let in, ${refused} refused with 429`];
  });
}

function judged(what: string, { refused, mostAsked, mostAtOnce, started, readyMs }: Judgement): string[] {
  const ready = started === agentCount ? seconds(readyMs) : `never: ${agentCount - started} are left out`;
  return [what, String(refused), String(mostAsked), String(mostAtOnce), ready];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** How to look around in what `--keep` leaves running, and how to stop it. */
export function describeRest(outcome: Outcome, folder: string, programs: Programs): string {
  const { pcA, t440, mac, url } = outcome;
  const agent = programs.path('authmesh-agent');
  const http = url.replace('ws:', 'http:');
  return [
    '',
    `It goes on running in ${folder}. Look around:`,
    `  ${agent} status --home ${t440.host.home}/.authmesh`,
    `  ${agent} explain openai-codex:default --home ${mac.host.home}/.authmesh`,
    `  ${agent} nodes --home ${pcA.host.home}/.authmesh`,
    `  ${programs.path('authmesh-coordinator')} status --data-dir ${folder}/central/.authmesh-coordinator`,
    `  curl ${http}/metrics`,
    `Change the login in ${pcA.host.stores[0]} and see the others follow.`,
    'Stop it:',
    `  kill ${programs.pids().join(' ')} && sleep 1 && rm -r ${folder}`,
  ].join('\n');
}

function describeBefore({ access, expires }: Held, { first, startedAt }: Outcome): string {
  if (expires <= startedAt) return 'expired, locked out';
  return access === first.access ? 'live, revision 1' : 'another login';
}

function describeAfter({ access, expires }: Held, { current, first }: Outcome): string {
  if (access === first.access) return 'revision 1, spent';
  if (access !== current.access) return 'another login';
  return `revision 2, ${Math.round((expires - Date.now()) / 86_400_000)} days left`;
}

/** One phrase for stores that are alike, each with its number where they differ. */
function summarise(held: readonly Held[], phrase: (held: Held) => string): string {
  const counts = new Map<string, number>();
  for (const one of held) counts.set(phrase(one), (counts.get(phrase(one)) ?? 0) + 1);
  const [only] = counts.keys();
  if (counts.size === 1 && only !== undefined) return held.length === 1 ? only : `all ${held.length}: ${only}`;
  return [...counts].map(([text, count]) => `${count}: ${text}`).join('; ');
}

function describeHolders({ before, after }: HostOutcome): string {
  const count = (held: readonly Held[]) => held.filter(({ refresh }) => refresh !== undefined && refresh !== '').length;
  const then = count(before);
  const now = count(after);
  const stores = before.length === 1 ? (then === 1 ? 'held' : 'not held') : `in ${then} of ${before.length} stores`;
  return `was ${stores}, now ${now === 0 ? 'in none' : now === 1 && after.length === 1 ? 'held: its home' : `in ${now}`}`;
}

function countCurrent({ after }: HostOutcome, { access }: Login): number {
  return after.filter(held => held.access === access).length;
}
