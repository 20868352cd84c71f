import { canonicalProvider } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { findIncompleteProviders, knownProviders, mergeProviders } from './providers.ts';

const tokenEndpoint = 'https://login.example.com/token';

describe('the known providers', () => {
  it.each([...knownProviders])('%s is named as accounts name it, and asked over HTTPS', (name, provider) => {
    expect(canonicalProvider(name)).toBe(name);
    expect(new URL(provider.tokenEndpoint).protocol).toBe('https:');
  });

  it('hold no secret of a client', () => {
    expect([...knownProviders.values()].map(({ clientSecret }) => clientSecret)).toEqual(
      [...knownProviders].map(() => undefined),
    );
  });

  it('leave out what has no refresh grant, or needs an embedded secret', () => {
    expect([...knownProviders.keys()]).toEqual(['openai', 'anthropic', 'xai', 'qwen-portal', 'chutes']);
  });
});

describe('mergeProviders', () => {
  it('changes of a known provider what is said, and no more', () => {
    const merged = mergeProviders(knownProviders, { anthropic: { tokenEndpoint, expirySkewMs: minute } });
    expect(merged.get('anthropic')).toEqual({
      ...knownProviders.get('anthropic'),
      tokenEndpoint,
      expirySkewMs: minute,
    });
    expect(merged.get('openai')).toBe(knownProviders.get('openai'));
    expect(knownProviders.get('anthropic')?.tokenEndpoint).not.toBe(tokenEndpoint);
  });

  it('takes a field that is there and undefined for one that is not said', () => {
    const merged = mergeProviders(knownProviders, { openai: { tokenEndpoint: undefined, clientId: 'authmesh' } });
    expect(merged.get('openai')).toEqual({ ...knownProviders.get('openai'), clientId: 'authmesh' });
  });

  it('adds an unknown provider as a form whose refresh token is spent by its use', () => {
    const merged = mergeProviders(knownProviders, { acme: { tokenEndpoint, clientId: 'authmesh' } });
    expect(merged.get('acme')).toEqual({ tokenEndpoint, clientId: 'authmesh', body: 'form', rotates: true });
  });

  it('takes an older name of a provider for the provider', () => {
    const merged = mergeProviders(knownProviders, { 'openai-codex': { tokenEndpoint } });
    expect(merged.get('openai')?.tokenEndpoint).toBe(tokenEndpoint);
    expect(merged.has('openai-codex')).toBe(false);
  });

  it('leaves out an unknown provider without an endpoint, and names it', () => {
    const configured = { acme: { clientId: 'authmesh' }, openai: { rotates: false }, other: { tokenEndpoint } };
    expect(mergeProviders(knownProviders, configured).has('acme')).toBe(false);
    expect(findIncompleteProviders(knownProviders, configured)).toEqual(['acme']);
  });
});
