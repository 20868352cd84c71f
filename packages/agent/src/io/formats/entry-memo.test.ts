import { randomBytes } from 'node:crypto';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import { describe, expect, it, vi } from 'vitest';
import { createEntryMemo } from './entry-memo.ts';
import { readEntry } from './profile-entry.ts';

const secret = (): string => randomBytes(24).toString('base64url');
const now = Date.now();
const login = () => ({
  type: 'oauth',
  provider: 'anthropic',
  access: secret(),
  refresh: secret(),
  expires: now + hour,
});

function context(clockOffsetMs = 0) {
  return { fingerprint: vi.fn((text: string) => text.slice(0, 8) as Fingerprint), now, clockOffsetMs };
}

describe('an entry that is read again', () => {
  it('says the same without being looked at, until anything about it changes', () => {
    const read = createEntryMemo();
    const entry = login();
    const first = read('anthropic:one', entry, context());
    expect(first).toEqual(readEntry('anthropic:one', entry, context()));
    const again = context();
    expect(read('anthropic:one', { ...entry }, again)).toBe(first);
    expect(again.fingerprint).not.toHaveBeenCalled();
    for (const [profile, changed, offset] of [
      ['anthropic:two', entry, 0],
      ['anthropic:one', { ...entry, access: secret() }, 0],
      ['anthropic:one', { ...entry, email: 'a@example.org' }, 0],
      ['anthropic:one', entry, hour],
    ] as const) {
      expect(read(profile, changed, context(offset))).toEqual(readEntry(profile, changed, context(offset)));
    }
  });

  it('is judged anew by the clock when it was not sound', () => {
    const read = createEntryMemo();
    const entry = { ...login(), expires: now + 30 * 365 * 24 * hour };
    expect(read('anthropic:one', entry, context())).toMatchObject({ seen: { health: 'implausible' } });
    const later = { ...context(), now: entry.expires };
    expect(read('anthropic:one', entry, later)).toMatchObject({ seen: { health: 'sound' } });
  });

  it('is remembered within a bound', () => {
    const read = createEntryMemo();
    const first = login();
    read('anthropic:first', first, context());
    for (let index = 0; index < 300; index++) read(`anthropic:${index}`, login(), context());
    const again = context();
    read('anthropic:first', first, again);
    expect(again.fingerprint).toHaveBeenCalled();
  });
});
