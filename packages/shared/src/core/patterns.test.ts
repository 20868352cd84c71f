import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstMatch, matchesPattern, passesFilter } from './patterns.ts';

const subject = { provider: 'openai', account: 'openai/me@example.org', profile: 'openai-codex:default' };

describe('a pattern', () => {
  it.each([
    ['*', true],
    ['openai', true],
    ['openai*', true],
    ['OpenAI', true],
    ['openai/me@example.org', true],
    ['*@example.org', true],
    ['openai-codex:default', true],
    ['*:default', true],
    ['openai-code?:*', true],
    ['openai-codex', false],
    ['open', false],
    ['xai*', false],
    ['openai?', false],
    ['', false],
  ])('%s: %s', (pattern, expected) => {
    expect(matchesPattern(pattern, subject)).toBe(expected);
  });

  it('means every other character as it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), text => {
        const literal = text.replace(/[*?]/g, '-');
        expect(matchesPattern(literal, { provider: '', account: '', profile: literal })).toBe(true);
        expect(matchesPattern(`${literal}+`, { provider: '', account: '', profile: literal })).toBe(false);
      }),
    );
  });

  it('of stars alone takes any name, line breaks too', () => {
    expect(matchesPattern('*', { provider: 'xai', account: 'xai/a', profile: 'xai:a\nb' })).toBe(true);
    expect(matchesPattern('xai:**b', { provider: 'xai', account: 'xai/a', profile: 'xai:a\nb' })).toBe(true);
  });

  it('that stands first wins', () => {
    expect(firstMatch({ 'xai*': 1, 'openai*': 2, '*': 3 }, subject)).toBe(2);
    expect(firstMatch({ '*': 3, 'openai*': 2 }, subject)).toBe(3);
    expect(firstMatch({ 'xai*': 1 }, subject)).toBeUndefined();
  });
});

describe('a filter', () => {
  it('lets through what some pattern allows and none denies', () => {
    expect(passesFilter({ allow: ['*'], deny: [] }, subject)).toBe(true);
    expect(passesFilter({ allow: ['*'], deny: ['*@example.org'] }, subject)).toBe(false);
    expect(passesFilter({ allow: ['xai*', 'openai*'], deny: ['xai*'] }, subject)).toBe(true);
    expect(passesFilter({ allow: [], deny: [] }, subject)).toBe(false);
  });
});
