import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { DriftView } from '@authmesh/shared/protocol/secrets';
import { describe, expect, it } from 'vitest';
import { coverageOf, coverageSentence, driftProblems, driftSentence, driftStatus } from './drift-status.ts';

const at = Date.parse('2026-11-30T12:00:00Z');
const group = (nodes: string[], isMinority = false, count = nodes.length): DriftView['groups'][number] => ({
  fingerprint: 'a'.repeat(32) as Fingerprint,
  nodes,
  count,
  forms: [],
  isMinority,
});
const view = (more: Partial<DriftView>): DriftView => ({
  name: 'INTERNAL_AUTH_SECRET',
  state: 'differs',
  groups: [group(['mac', 'pc-a'])],
  variants: [],
  stale: [],
  missing: [],
  unreadable: [],
  away: [],
  since: at - 720_000,
  compared: 3,
  declared: 3,
  ...more,
});
const problems = (more: Partial<DriftView>) => driftProblems(driftStatus(view(more)), at).map(driftSentence);

describe('driftProblems', () => {
  it('has nothing to say of what is equal, or alone', () => {
    expect(problems({ state: 'equal', since: null })).toEqual([]);
    expect(problems({ state: 'alone', since: null, groups: [group(['pc-a'])] })).toEqual([]);
  });

  it('names the minority and what it differs from', () => {
    expect(problems({ groups: [group(['mac', 'pc-a']), group(['vps'], true)] })).toEqual([
      'INTERNAL_AUTH_SECRET differs for 12 min: vps has another value than mac, pc-a; authmesh-agent secret push INTERNAL_AUTH_SECRET --from mac',
    ]);
    const many = [group(['mac', 'pc-a'], false, 30), group(['vps'], true, 2), group(['t440'], true)];
    expect(problems({ groups: many })).toEqual([
      'INTERNAL_AUTH_SECRET differs for 12 min: vps and 1 more and t440 have another value than mac, pc-a and 28 more; authmesh-agent secret push INTERNAL_AUTH_SECRET --from mac',
    ]);
  });

  it('says so where there is no majority', () => {
    expect(problems({ groups: [group(['mac', 'pc-a']), group(['t440', 'vps'])] })).toEqual([
      'INTERNAL_AUTH_SECRET differs for 12 min: 2 against 2, no majority (mac, pc-a / t440, vps); authmesh-agent secret push INTERNAL_AUTH_SECRET --from NODE, a host that has the right one',
    ]);
  });

  it('names variants of one value as such', () => {
    const groups = [group(['mac', 'pc-a']), group(['vps'], true)];
    expect(problems({ groups, variants: ['quotes', 'line ends'] })).toEqual([
      'INTERNAL_AUTH_SECRET differs for 12 min: the values are the same but for quotes and line ends (mac, pc-a / vps); authmesh-agent secret push INTERNAL_AUTH_SECRET --from mac',
    ]);
  });

  it('tells what is stale in a process, missing, and could not be read, each with its place', () => {
    const place = { node: 'vps', source: 'process app (pid 7)', since: at };
    expect(
      problems({
        group: 'staging',
        stale: [place],
        missing: [{ ...place, source: '/srv/.env' }],
        unreadable: [{ ...place, source: '/srv/b.json', why: 'permission denied' }],
      }),
    ).toEqual([
      'INTERNAL_AUTH_SECRET (staging) is stale in process on vps: process app (pid 7) still has another value than what is stored there; restart it',
      'INTERNAL_AUTH_SECRET (staging) is missing on vps (/srv/.env); set it there',
      'INTERNAL_AUTH_SECRET (staging) could not be read on vps (/srv/b.json): permission denied; make it readable for the agent of vps, or take it out of its agent.json',
    ]);
  });
});

describe('coverage', () => {
  const unread = { node: 'vps', source: '/srv/.env', since: at, why: 'permission denied' };
  const drift = [
    view({ state: 'equal', since: null, compared: 12, declared: 12 }),
    view({ name: 'OTHER', state: 'unreadable', compared: 0, declared: 3, unreadable: [unread, unread, unread] }),
  ].map(driftStatus);

  it('counts what was looked at, and names where it was not', () => {
    expect(coverageSentence(drift)).toBe('12 of 15 compared; 3 could not be read on vps');
    expect(coverageOf(drift)).toMatchObject({ compared: 12, declared: 15 });
    expect(coverageOf(drift).unreadable).toContainEqual({ node: 'vps', name: 'OTHER', reason: 'permission denied' });
  });
});
