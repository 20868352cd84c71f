import { haltOf } from '@authmesh/coordinator/core/lease/standing';
import { second } from '@authmesh/shared/core/time';
import { countsOf, labelledMax, type MetricReading, type MetricSource, type Sample, single } from './reading.ts';

/** What is told of logins. */
export const loginReadings: readonly MetricReading[] = [
  single('gauge', 'authmesh_accounts', 'Accounts known to the fleet.', ({ state }) => state.accounts.size),
  {
    name: 'authmesh_login_expiry_seconds',
    help: `Seconds until a login ends, negative once it has; the ${labelledMax} that end first. Accounts by their tag in the log.`,
    kind: 'gauge',
    labels: ['account'],
    read: source => soonest(source, ({ expiresAt }) => (expiresAt - source.now) / second),
  },
  {
    name: 'authmesh_login_revision',
    help: 'Revision of the same logins: it rises when one was renewed.',
    kind: 'gauge',
    labels: ['account'],
    read: source => soonest(source, ({ revision }) => revision),
  },
  {
    name: 'authmesh_logins_halted',
    help: 'Logins that are not refreshed any more: in doubt, or in need of a sign-in.',
    kind: 'gauge',
    labels: ['state'],
    read: ({ state }) =>
      countsOf(
        'state',
        (['in-doubt', 'needs-login'] as const).map(key => [key, haltCount(state.accounts.values(), key)] as const),
      ),
  },
  {
    name: 'authmesh_refreshes_total',
    help: 'Leases to refresh a login, by what they came to.',
    kind: 'counter',
    labels: ['result'],
    read: ({ audited }) =>
      countsOf(
        'result',
        Object.entries(results).map(([result, action]) => [result, audited.get(action) ?? 0] as const),
      ),
  },
  {
    name: 'authmesh_logins_refused_total',
    help: 'Logins that hosts reported and that did not become the current one.',
    kind: 'counter',
    labels: ['verdict'],
    read: ({ noted }) =>
      countsOf(
        'verdict',
        (['stale', 'parallel', 'unlinked'] as const).map(verdict => [verdict, noted.get(`credential-${verdict}`) ?? 0]),
      ),
  },
];

const results = {
  renewed: 'renewed',
  none: 'not-renewed',
  'in-doubt': 'in-doubt',
  'needs-login': 'needs-login',
} as const;

type Accounts = MetricSource['state']['accounts'];

function haltCount(accounts: ReturnType<Accounts['values']>, state: string): number {
  let count = 0;
  for (const { record } of accounts) if (haltOf(record)?.state === state) count++;
  return count;
}

function* soonest(
  { state, tag }: MetricSource,
  read: (login: { readonly expiresAt: number; readonly revision: number }) => number,
): Generator<Sample> {
  const ending = [...state.accounts.values()].flatMap(({ record: { account, current } }) =>
    current && current.expiresAt !== null
      ? [{ account, expiresAt: current.expiresAt, revision: current.position.revision }]
      : [],
  );
  const first = ending.sort((one, other) => one.expiresAt - other.expiresAt).slice(0, labelledMax);
  for (const login of first) yield [{ account: tag('account', login.account) }, read(login)];
}
