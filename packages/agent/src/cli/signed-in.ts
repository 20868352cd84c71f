import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { AuthmeshError } from '@authmesh/shared/node/errors';

/** What was there before somebody signed in. */
export interface KnownLogins {
  /** The fleet's: under one profile there may be another account after a sign-in. */
  readonly fleet: ReadonlySet<string | null>;
  /** What stores of this host hold. */
  readonly here: ReadonlySet<string | null>;
}

/** The logins of a profile as they stand now. */
export function loginsOf(status: Status, profile: string): KnownLogins {
  return {
    fleet: new Set(accountsOf(status, profile).map(({ fingerprint }) => fingerprint)),
    here: new Set(copiesHere(status, profile).map(({ fingerprint }) => fingerprint)),
  };
}

/** The fleet's login of a profile, where it is another than before and came from this host. */
export function signedIn(status: Status, profile: string, before: KnownLogins): AccountStatus | undefined {
  return accountsOf(status, profile).find(
    ({ revision, fingerprint, origin }) =>
      revision !== null && !before.fleet.has(fingerprint) && origin === status.node.name,
  );
}

/**
 * This host's new login, where nothing says that it is newer than the fleet's, or whose it is: the fingerprint. That somebody
 * has just signed in under this name says both.
 */
export function besideFleet(status: Status, profile: string, before: KnownLogins): string | undefined {
  const copy = newCopy(status, profile, before);
  const isBeside = copy?.state === 'parallel' || copy?.state === 'unlinked';
  return isBeside ? (copy.fingerprint ?? undefined) : undefined;
}

function newCopy(status: Status, profile: string, before: KnownLogins): AccountStatus['copies'][number] | undefined {
  const { fleet } = loginsOf(status, profile);
  return copiesHere(status, profile).find(
    ({ fingerprint }) => fingerprint !== null && !fleet.has(fingerprint) && !before.here.has(fingerprint),
  );
}

/** Why the fleet has no new login from this host. */
export function explainNone(status: Status, profile: string, before: KnownLogins): AuthmeshError {
  const copy = newCopy(status, profile, before);
  if (!copy) {
    return new AuthmeshError('ERR_NOT_FOUND', `no new login of ${profile} was seen on this host`, {
      hint: 'sign in under that profile, in one of the state folders that `authmesh-agent status` names',
    });
  }
  const found = `the new login of ${profile} is on this host and not the fleet’s`;
  return status.coordinator.connected
    ? new AuthmeshError('ERR_REFUSED', `${found}: ${copy.reason}`, {
        hint: '`authmesh-agent status` shows what becomes of it',
      })
    : new AuthmeshError('ERR_COORDINATOR_UNREACHABLE', `${found} yet: the coordinator is away`, {
        hint: 'nothing is to be done here: the fleet gets it when the coordinator is back',
      });
}

function accountsOf({ accounts }: Status, profile: string): AccountStatus[] {
  return accounts.filter(({ profiles, account }) => profiles.includes(profile) || account === profile);
}

function copiesHere(status: Status, profile: string): AccountStatus['copies'] {
  const copies = accountsOf(status, profile).flatMap(account => account.copies);
  return copies.filter(({ node }) => node === status.node.name);
}
