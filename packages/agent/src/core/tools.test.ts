import { accountId, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { expect, it } from 'vitest';
import { createScene, facts, holds, judgement, only, print, profile, seen, self } from './agent-scene.ts';
import type { AgentEvent, SeenProfile } from './event.ts';
import { inOpenclawWords, isToolAccount, providerOf } from './tools.ts';

const codexFile = '/home/claw/.codex/auth.json' as StoreId;
const codex = 'codex-cli:default' as ProfileId;
const current = facts('1', 1, { refresh: print('a'), home: self, origin: self });

/** What stands in Codex's file. */
function inCodex(access: string, more: Partial<SeenProfile> = {}): AgentEvent {
  const profiles = [seen(access, { profile: codex, ...more })];
  return { type: 'store-observed', store: codexFile, seen: { state: 'readable', profiles } };
}

/** The home, whose OpenClaw holds the pair or not; Codex has the login with its refresh token. */
function createHome(openclaw: Partial<SeenProfile> | undefined, custody: 'home' | 'copy' = 'home') {
  const scene = createScene({ custody });
  if (openclaw) scene.tell(holds(seen('1', openclaw)));
  scene.tell(inCodex('1', { refresh: print('a') }));
  scene.connect();
  scene.hear({ type: 'synced' });
  const written = [
    ...scene.announce(current),
    ...scene.hear(judgement('in-step', '1', { store: codexFile, profile: codex })),
  ];
  return only(written, 'write-credential').map(({ store, form, takesRefreshOnly }) => [store, form, takesRefreshOnly]);
}

it('a tool leaves the refreshing to an OpenClaw of its host that has the same login', () => {
  expect(createHome({ profile, refresh: print('a') })).toEqual([[codexFile, 'bearer', true]]);
});

it('a tool keeps its refresh token where no OpenClaw of its host could use it, or the provider does not mind', () => {
  expect(createHome(undefined)).toEqual([]);
  expect(createHome({ profile, refresh: print('b') })).toEqual([]);
  expect(createHome({ profile, health: 'fence-failed', refresh: print('a') })).toEqual([]);
  expect(createHome({ profile, refresh: print('a') }, 'copy')).toEqual([]);
});

it('a tool’s login has its own name, or OpenClaw’s', () => {
  expect([providerOf('codex-cli', undefined), providerOf('codex-cli', new Set(['codex-cli']))]).toEqual([
    'codex-cli',
    'openai',
  ]);
  expect(providerOf('xai', new Set(['codex-cli']))).toBe('xai');
  expect(['claude-code:default', 'xai:default', 'plain'].map(name => inOpenclawWords(name as ProfileId))).toEqual([
    'anthropic:default',
    'xai:default',
    'plain',
  ]);
  const accounts = [
    accountId('oauth', 'gemini-cli', 'someone'),
    accountId('oauth', 'google-gemini-cli', 'gemini-cli:default'),
    accountId('oauth', 'google-gemini-cli', 'someone'),
  ];
  expect(accounts.map(isToolAccount)).toEqual([true, true, false]);
});
