import type { Verdict } from '@authmesh/shared/core/freshness';
import type { Health } from '@authmesh/shared/protocol/observation';

/** What an operator reads about a verdict. */
export const verdictSentences: Readonly<Record<Verdict['why'] | 'restored' | 'fenced', string>> = {
  same: 'it is the current login',
  first: 'the first login that the fleet saw of this account',
  completed: 'the current login, now with its refresh token',
  successor: 'it grew out of the login that was current in the same store',
  'issued-later': 'the issuer’s own time says that it is newer than the one before',
  'current-dead': 'it works, and the one before had ended',
  recovered: 'the fleet had it as its current login before the coordinator’s store was put back from a backup',
  resealed: 'the current login, sealed anew: nodes knew of a later generation than the coordinator’s store did',
  renewed: 'it was renewed by the fleet, under the account’s lease',
  fenced: 'it was renewed under a lease that was over: the account had moved on',
  restored: 'an operator took the account back to it',
  ancestor: 'it was current before and has been replaced: an old file, a woken laptop or a restored backup',
  spent: 'its refresh token has been used up by a newer login',
  'issued-earlier': 'the issuer’s own time says that it is older than the current one',
  dead: 'it has ended, and the current one works',
  'order-unknown':
    'nothing proves which of the two logins is the newer one: both are kept, neither is spread over the other',
  'identity-unknown':
    'only the profile’s name says whose login this is, and another host has a different one under that name: `authmesh-agent link` says that they are one account',
};

/** What an operator reads about a profile that cannot be anybody's current login. */
export const unfitSentences: Readonly<Record<Exclude<Health, 'sound'>, string>> = {
  empty: 'its token is empty',
  implausible: 'its expiry cannot be',
  'fence-pending': 'OpenClaw is refreshing it right now',
  'fence-failed': 'OpenClaw’s refresh failed and left a marker in place of the tokens',
  quarantined: 'its store cannot be understood and is left alone',
};
