import { awayCharsMax } from '@authmesh/coordinator/core/away';
import { historyEntriesMax, historyRecordsMax } from '@authmesh/coordinator/core/history';
import type { AccountRecord } from '@authmesh/coordinator/core/record';
import { submissionsWaitingMax } from '@authmesh/coordinator/core/state';
import { chainLinksMax, observationsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { type Checker, Violation } from './check.ts';

/** Largest arrays of `shared/protocol/up.ts` and `down.ts`. */
const knownMax = 5_000;
const judgementsMax = 1_000;

/** I6: every queue, message and history stays within its bound. */
export function checkBounds(): Checker {
  return {
    agentEffects: {
      send: (_world, _host, _agent, { message }) => {
        if (message.type === 'inventory') {
          observationsFit(message.observations);
          within('accounts known in an inventory', message.known.length, knownMax);
        } else if (message.type === 'acknowledge') {
          observationsFit(message.observations);
          within('profiles gone in an acknowledgement', message.gone.length, observationsPerMessageMax);
        } else if (message.type === 'publish') observationsFit([message.observation]);
      },
    },
    coordinatorEffects: {
      send: (_world, _process, { message }) => {
        if (message.type === 'judgements') within('judgements in a message', message.judgements.length, judgementsMax);
      },
      'compare-and-set': (_world, process, { key, value }) => {
        if (key.startsWith('copies/')) {
          within('characters of a host’s copies', JSON.stringify(value).length, 2 * awayCharsMax);
        }
        if (!key.startsWith('account/')) return;
        const record = value as AccountRecord;
        within('entries of a history', record.history.length, historyEntriesMax);
        within(
          'records kept of a history',
          record.history.filter(({ sealed }) => sealed !== undefined).length,
          historyRecordsMax,
        );
        within(
          'submissions that wait',
          process.state.accounts.get(record.account)?.waiting.length ?? 0,
          submissionsWaitingMax,
        );
      },
    },
  };
}

function observationsFit(observations: readonly Observation[]): void {
  within('observations in a message', observations.length, observationsPerMessageMax);
  for (const { chain } of observations) within('links of a chain', chain.length, chainLinksMax);
}

function within(what: string, count: number, most: number): void {
  if (count > most) throw new Violation('I6', `${count} ${what}, at most ${most} are allowed`);
}
