import { minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { auditOfChange } from './audit.ts';
import { founder, guest, print } from './coordinator-scene.ts';
import type { AccountRecord, HistoryRecord } from './record.ts';

const at = 1_800_000_000_000;
const entry = (number: number, more: Partial<HistoryRecord> = {}): HistoryRecord => ({
  number,
  access: print('a'),
  expiresAt: null,
  origin: founder,
  at,
  verdict: 'accepted',
  why: 'it is newer',
  ...more,
});
const record = (more: Partial<AccountRecord> = {}): AccountRecord => ({
  account: 'oauth:xai/acct_1' as AccountRecord['account'],
  kind: 'oauth',
  profile: 'xai:default' as AccountRecord['profile'],
  ancestors: [],
  spent: [],
  history: [entry(1)],
  nextNumber: 2,
  linked: [],
  current: {
    access: print('a'),
    refresh: print('b'),
    expiresAt: at + minute,
    origin: founder,
    home: founder,
    position: { epoch: 1, revision: 3 },
    generation: 1,
    acceptedAt: at,
    why: 'first',
    sealed: 'c2VhbGVk',
  } as AccountRecord['current'],
  ...more,
});
const lease = (node = founder, since = at): AccountRecord['refresh'] => ({
  epoch: 4,
  access: print('a'),
  refresh: print('b'),
  lease: { node, since, until: since + minute },
});
const actions = (before: AccountRecord, after: AccountRecord) =>
  auditOfChange(before, after, at).map(({ action, node, fingerprint, details }) => [
    action,
    node,
    fingerprint,
    details,
  ]);

describe('what is audited of a change', () => {
  it('is every login that was accepted or refused since, and nothing that was there before', () => {
    expect(actions(record(), record())).toEqual([]);
    const history = [
      entry(1),
      entry(2),
      entry(3, { origin: guest, access: print('c'), verdict: 'stale', why: 'it is older' }),
    ];
    expect(actions(record(), record({ history, nextNumber: 4 }))).toEqual([
      ['accept', founder, print('a'), 'revision 1.3: it is newer'],
      ['refuse', guest, print('c'), 'stale: it is older'],
    ]);
  });

  it('is a lease, and what it came to', () => {
    const leased = record({ refresh: lease() });
    expect(actions(record(), leased)).toEqual([['lease', founder, print('b'), 'epoch 4']]);
    expect(actions(leased, record())).toEqual([['not-renewed', founder, undefined, undefined]]);
    const { current } = record();
    const renewed = record({ current: current && { ...current, access: print('d') } });
    expect(actions(leased, renewed)).toEqual([['renewed', founder, undefined, undefined]]);
    expect(actions(leased, record({ refresh: lease(guest, at + 1) })).map(([action]) => action)).toEqual([
      'not-renewed',
      'lease',
    ]);
  });

  it('is a login that came to be in doubt, or to need a sign-in', () => {
    const halt = { state: 'in-doubt', by: 'lease', node: founder, since: at, why: 'it did not answer' } as const;
    const doubted = record({ refresh: { ...lease(), lease: undefined, halt } as AccountRecord['refresh'] });
    expect(actions(record({ refresh: lease() }), doubted)).toEqual([
      ['not-renewed', founder, undefined, undefined],
      ['in-doubt', founder, print('b'), 'it did not answer'],
    ]);
    expect(actions(doubted, doubted)).toEqual([]);
  });
});
