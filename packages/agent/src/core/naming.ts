import { canonicalProvider, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { AgentState } from './state.ts';
import { inOpenclawWords } from './tools.ts';

/** How an OpenClaw names OpenAI's subscription logins: until 2026.5.28 as the first, from 2026.6.1 on as the second. */
export type OpenaiName = 'openai-codex' | 'openai';

const openaiProfile = /^openai(?:-codex)?(?=:)/;

/** The id that a login of the fleet has in a store where it is new: its origin's, in the words of this host's OpenClaw. */
export function profileIn(
  state: AgentState,
  { account, profile }: Pick<AnnouncementFacts, 'account' | 'profile'>,
  store: StoreId,
): ProfileId {
  const named = inOpenclawWords(profile);
  const name = state.config.layout?.get(store)?.openaiName;
  if (name === undefined || !account.startsWith('oauth:openai/')) return named;
  return named.replace(openaiProfile, name) as ProfileId;
}

/** The provider as a store names it: by the profile's own beginning, where that is the same provider in another era. */
export function providerIn(profile: ProfileId, provider: string): string {
  const named = profile.slice(0, Math.max(0, profile.indexOf(':')));
  return canonicalProvider(named) === canonicalProvider(provider) ? named : provider;
}
