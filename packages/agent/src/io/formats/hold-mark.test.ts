import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { heldIn, holdReason, liftHold, placeHold, readHold } from './hold-mark.ts';

const first = 'openai-codex:default' as ProfileId;
const second = 'openai-codex:work' as ProfileId;
const now = 1_800_000_000_000;
const until = now + 300_000;
const text = (fields: object) => `${JSON.stringify({ version: 1, profiles: {}, ...fields }, null, 2)}\n`;
const statsOf = (store: string) => JSON.parse(store).usageStats;

describe(placeHold, () => {
  it('marks each login in the way OpenClaw asks for, also one that only the main agent has', () => {
    const held = placeHold(text({}), [first, second], until, now);
    const mark = { disabledUntil: until, disabledReason: holdReason };
    expect(statsOf(held)).toEqual({ [first]: mark, [second]: mark });
    expect(readHold(statsOf(held))).toEqual({ until, profiles: [first, second] });
    expect(heldIn(held).length).toBeGreaterThan(0);
  });

  it('keeps what OpenClaw noted, and the bytes of everything else', () => {
    const before = text({ usageStats: { [first]: { lastUsed: now, cooldownUntil: now + 1 } }, order: { x: ['y'] } });
    const held = placeHold(before, [first], until, now);
    expect(statsOf(held)[first]).toMatchObject({ lastUsed: now, cooldownUntil: now + 1, disabledUntil: until });
    expect(liftHold(held)).toBe(before);
  });

  it('moves an end that stands there', () => {
    const held = placeHold(text({}), [first], until, now);
    expect(readHold(statsOf(placeHold(held, [first], until + 1, now)))?.until).toBe(until + 1);
  });

  it('takes marks of its own off other logins', () => {
    const before = placeHold(text({}), [first, second], until + 1, now);
    expect(readHold(statsOf(placeHold(before, [first], until, now)))).toEqual({ until, profiles: [first] });
  });

  it('leaves what the provider disabled, as long as that lasts', () => {
    const billed = text({ usageStats: { [first]: { disabledUntil: now + 1, disabledReason: 'billing' } } });
    expect(placeHold(billed, [first], until, now)).toBe(billed);
    expect(heldIn(placeHold(billed, [first], until, now + 1))).toEqual([first]);
  });
});

describe(liftHold, () => {
  it('leaves the entry, or the agent would go by the main one’s', () => {
    expect(statsOf(liftHold(placeHold(text({}), [first], until, now)))).toEqual({ [first]: {} });
  });

  it('does not touch marks that are not its own', () => {
    const billed = text({ usageStats: { [first]: { disabledUntil: until, disabledReason: 'billing' } } });
    expect(liftHold(billed)).toBe(billed);
  });
});

it.each([undefined, {}, { [first]: null }, { [first]: { disabledReason: holdReason } }])(
  'finds no marks in %j',
  stats => expect(readHold(stats)).toBeUndefined(),
);
