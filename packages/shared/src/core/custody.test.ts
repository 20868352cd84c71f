import { describe, expect, it } from 'vitest';
import { custodyOf } from './custody.ts';

function subject(provider: string) {
  return { provider, account: `${provider}/me`, profile: `${provider}:default` };
}

describe(custodyOf, () => {
  it.each([
    ['openai', 'home'],
    ['openai-codex', 'home'],
    ['xai', 'home'],
    ['anthropic', 'home'],
    ['google-antigravity', 'copy'],
    ['google-gemini-cli', 'copy'],
    ['gemini', 'copy'],
    ['github-copilot', 'copy'],
    ['somebody-new', 'home'],
  ])('takes %s for `%s`: who is not known to keep a refresh token rotates it', (provider, expected) => {
    expect(custodyOf('auto', subject(provider))).toBe(expected);
  });

  it('does what the configuration says, by the first pattern that fits', () => {
    expect(custodyOf('copy', subject('openai'))).toBe('copy');
    expect(custodyOf('home', subject('google'))).toBe('home');
    const config = { 'openai*': 'copy', 'google*': 'auto', '*': 'home' } as const;
    expect(['openai', 'google', 'gemini'].map(provider => custodyOf(config, subject(provider)))).toEqual([
      'copy',
      'copy',
      'home',
    ]);
    expect(custodyOf({ 'xai*': 'copy' }, subject('gemini'))).toBe('copy');
    expect(custodyOf({}, subject('openai'))).toBe('home');
  });
});
