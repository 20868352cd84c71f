import { account, profile, seen, store } from '@authmesh/agent/core/agent-scene';
import { createCopy } from '@authmesh/agent/core/state';
import { minute, second } from '@authmesh/shared/core/time';
import type { CopyView } from '@authmesh/shared/protocol/answer';
import { describe, expect, it } from 'vitest';
import { evidenceOf, evidenceText } from './evidence.ts';

const now = 1_800_000_000_000;
const iso = (at: number) => new Date(at).toISOString();
const told = (seenAt: number) => ({ store, profile, seenAt }) as CopyView;
const own = (standsSince: number | undefined, usedAt?: number) => ({
  ...createCopy(store, profile, account),
  seen: { ...seen('1'), use: usedAt === undefined ? undefined : { usedAt } },
  seenAt: now - minute,
  standsSince,
});

describe('what the state of a copy rests on', () => {
  it('is a use of this very login, where there was one since it stands there', () => {
    expect(evidenceOf(own(now - 2 * minute, now - minute), told(0), () => now)).toEqual({
      by: 'use',
      at: iso(now - minute),
    });
    expect(evidenceOf(own(now - minute, now - 2 * minute), told(0), () => now)).toEqual({ by: 'disk', at: iso(now) });
    expect(evidenceOf(own(undefined, now), told(0), () => now)).toMatchObject({ by: 'disk' });
  });

  it('is the last look at its store, or what another host told', () => {
    expect(evidenceOf(own(now), told(0), () => now - 12 * second)).toEqual({ by: 'disk', at: iso(now - 12 * second) });
    expect(evidenceOf(own(now), told(0), () => undefined)).toEqual({ by: 'disk', at: iso(now - minute) });
    expect(evidenceOf(undefined, told(now - 3 * minute), () => now)).toEqual({ by: 'told', at: iso(now - 3 * minute) });
    expect(evidenceOf(undefined, told(0), () => now)).toEqual({ by: 'none', at: null });
  });

  it('is said with its age', () => {
    expect(evidenceText({ by: 'use', at: iso(now - 3 * minute) }, now)).toBe('verified by use 3 min ago');
    expect(evidenceText({ by: 'disk', at: iso(now - 12 * second) }, now)).toBe('read from disk 12 s ago');
    expect(evidenceText({ by: 'none', at: null }, now)).toBe('unknown');
  });
});
