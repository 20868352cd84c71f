import type { Host } from './host.ts';
import { type OAuthEntry, type Owner, oauth } from './login.ts';

/** Signs the owner in on the first host, and gives the others the login that can be used and not spent; the login. */
export async function share(owner: Owner, first: Host, ...others: readonly Host[]): Promise<OAuthEntry> {
  const login = oauth(owner);
  first.store().put(owner.profile, login);
  await first.accountIs(owner, account => account?.state === 'fresh');
  const { refresh: _, ...bearer } = login;
  for (const host of others) host.store().put(owner.profile, bearer);
  await reach(owner, login, first, ...others);
  return login;
}

/** Another sign-in or refresh on the first host, and its way to the others. */
export async function renew(owner: Owner, first: Host, ...others: readonly Host[]): Promise<OAuthEntry> {
  const login = oauth(owner);
  first.store().put(owner.profile, login);
  await reach(owner, login, first, ...others);
  return login;
}

async function reach(owner: Owner, login: OAuthEntry, first: Host, ...others: readonly Host[]): Promise<void> {
  await Promise.all(others.map(host => host.store().holds(owner.profile, login)));
  const names = [first, ...others].map(host => host.name);
  await first.accountIs(owner, account => {
    const copies = account?.copies.filter(copy => names.includes(copy.node)) ?? [];
    return copies.length >= names.length && copies.every(copy => copy.state === 'current');
  });
}
