import { describe, expect, it } from 'vitest';
import { type CustodyConfig, custodyBy, custodySetting } from './custody.ts';

const refreshing = new Map([
  ['openai', { rotates: true }],
  ['acme', { rotates: true }],
  ['steady', { rotates: false }],
]);

function custodyOf(config: CustodyConfig, provider: string) {
  const subject = { provider, account: `${provider}/me`, profile: `${provider}:default` };
  return custodyBy(custodySetting(config, subject), provider, refreshing);
}

describe(custodyBy, () => {
  it.each([
    ['openai', 'vault'],
    ['openai-codex', 'vault'],
    ['acme', 'vault'],
    ['steady', 'copy'],
    ['xai', 'home'],
    ['anthropic', 'home'],
    ['google-antigravity', 'copy'],
    ['google-gemini-cli', 'copy'],
    ['gemini', 'copy'],
    ['github-copilot', 'copy'],
    ['somebody-new', 'home'],
  ])(
    'takes %s for `%s`: by whether a use spends the refresh token, and whether this host can use it',
    (provider, expected) => {
      expect(custodyOf('auto', provider)).toBe(expected);
      expect(custodyOf({}, provider)).toBe(expected);
    },
  );

  it('does what the configuration says, by the first pattern that fits', () => {
    expect(custodyOf('copy', 'openai')).toBe('copy');
    expect(custodyOf('home', 'google')).toBe('home');
    const config = { 'openai*': 'copy', 'google*': 'auto', '*': 'home' } as const;
    expect(['openai', 'google', 'gemini'].map(provider => custodyOf(config, provider))).toEqual([
      'copy',
      'copy',
      'home',
    ]);
    expect(custodyOf({ 'xai*': 'copy' }, 'gemini')).toBe('copy');
  });

  it('leaves to its OpenClaw what this host cannot refresh out of a vault', () => {
    expect(custodyOf('vault', 'openai')).toBe('vault');
    expect(custodyOf('vault', 'xai')).toBe('home');
  });
});
