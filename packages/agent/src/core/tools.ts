import { type AccountId, accountProvider, type ProfileId } from '@authmesh/shared/core/identifiers';

/** Tools besides OpenClaw that keep a login of their own. Their logins have the tool's name for a provider. */
export const tools = ['codex-cli', 'claude-code', 'gemini-cli'] as const;
export type ToolName = (typeof tools)[number];

/** What OpenClaw calls the provider of a tool's logins: the same client of the same issuer (field/openclaw-stores.md, 5). */
const openclawProviders: Readonly<Record<ToolName, string>> = {
  'codex-cli': 'openai',
  'claude-code': 'anthropic',
  'gemini-cli': 'google-gemini-cli',
};

/** The provider of a login whose entry names `provider`: OpenClaw's for a tool whose logins it shares. */
export function providerOf(provider: string, sharing: ReadonlySet<ToolName> | undefined): string {
  return isToolProvider(provider) && sharing?.has(provider) ? openclawProviders[provider] : provider;
}

/**
 * Whether a login belongs to a tool alone, so that no store of OpenClaw takes it: by its provider, or because nothing but the
 * profile of a tool says whose it is.
 */
export function isToolAccount(account: AccountId): boolean {
  const subject = account.slice(account.indexOf('/') + 1) as ProfileId;
  return isToolProvider(accountProvider(account)) || isToolProfile(subject);
}

/** Whether a profile is the login in a tool's own file. */
export function isToolProfile(profile: ProfileId): boolean {
  return isToolProvider(nameIn(profile));
}

/** A tool's name at the beginning of a profile's id, in OpenClaw's words. */
export function inOpenclawWords(profile: ProfileId): ProfileId {
  const name = nameIn(profile);
  return isToolProvider(name) ? ((openclawProviders[name] + profile.slice(name.length)) as ProfileId) : profile;
}

function nameIn(profile: ProfileId): string {
  return profile.slice(0, Math.max(0, profile.indexOf(':')));
}

/** Whether a provider is the name of a tool. */
export function isToolProvider(name: string): name is ToolName {
  return Object.hasOwn(openclawProviders, name);
}
