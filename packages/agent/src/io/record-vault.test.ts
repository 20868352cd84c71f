import { randomBytes } from 'node:crypto';
import { accountId, type FleetId, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { createBoxKey } from '@authmesh/shared/crypto/box-key';
import { createFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { openRecord } from '@authmesh/shared/crypto/sealed-record';
import { createSigningKey, nodeIdOf } from '@authmesh/shared/crypto/signing';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { Credential } from '@authmesh/shared/protocol/credential';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { describe, expect, it } from 'vitest';
import { createRecordVault } from './record-vault.ts';

const account = accountId('oauth', 'xai', 'acct_1');
const profile = 'xai:default' as ProfileId;

/** The vaults of two members of one fleet. */
function twoVaults() {
  const secrets = createFleetSecrets();
  const founder = createSigningKey();
  const fleet = String(nodeIdOf(founder.publicKey)) as FleetId;
  const vaultOf = (signing = createSigningKey()) => {
    const membership = { fleet, name: 'host', coordinatorKey: '', secrets };
    return {
      node: nodeIdOf(signing.publicKey),
      vault: createRecordVault({ signing, box: createBoxKey() }, membership),
    };
  };
  return { fleet, secrets, ours: vaultOf(founder), theirs: vaultOf() };
}

function credentialOf(access: string, refresh: string | undefined): Credential {
  return { kind: 'oauth', provider: 'xai', access, refresh, expiresAt: 2_000_000_000_000, details: {} };
}

describe(createRecordVault, () => {
  const access = randomBytes(16).toString('hex');
  const refresh = randomBytes(16).toString('hex');

  function publishOf(vault: ReturnType<typeof twoVaults>['ours']['vault'], withRefresh: boolean, generation: number) {
    const observation: Observation = {
      store: '/home/claw/auth-profiles.json' as StoreId,
      profile,
      account,
      identity: 'account',
      kind: 'oauth',
      health: 'sound',
      access: vault.fingerprint(access),
      refresh: withRefresh ? vault.fingerprint(refresh) : undefined,
      expiresAt: 2_000_000_000_000,
      chain: [],
    };
    const made = vault.attach({ type: 'publish', observation, generation });
    if ('problem' in made) throw new Error(made.problem);
    return made.message;
  }

  function announcementOf(message: ReturnType<typeof publishOf>, origin: Announcement['origin']): Announcement {
    const { observation, generation, sealed } = message;
    if (observation.access === undefined) throw new Error('nothing was published');
    return {
      type: 'announce',
      account,
      kind: 'oauth',
      profile,
      position: { epoch: 1, revision: generation },
      generation,
      access: observation.access,
      refresh: observation.refresh,
      expiresAt: observation.expiresAt,
      origin,
      home: origin,
      restored: false,
      sealed,
    };
  }

  it('completes a login that the fleet knows without its refresh token with a record that has it', () => {
    const { fleet, secrets, ours, theirs } = twoVaults();
    theirs.vault.put(theirs.vault.fingerprint(access), credentialOf(access, undefined));
    const bearer = announcementOf(publishOf(theirs.vault, false, 1), theirs.node);
    ours.vault.put(ours.vault.fingerprint(access), credentialOf(access, refresh));
    expect(ours.vault.open(bearer)).toBeUndefined();
    ours.vault.settle(account, bearer.access);

    const whole = publishOf(ours.vault, true, 2);
    const opened = openRecord(whole.sealed, { fleetKey: secrets.fleetKey, fleet, account, generation: 2 });
    expect('record' in opened && opened.record.credential.refresh === refresh).toBe(true);
    expect(theirs.vault.open(announcementOf(whole, ours.node))).toBeUndefined();
  });

  it('seals a login that the fleet has anew, in the generation that is asked for', () => {
    const { ours, theirs } = twoVaults();
    ours.vault.put(ours.vault.fingerprint(access), credentialOf(access, refresh));
    const announced = announcementOf(publishOf(ours.vault, true, 3), ours.node);
    for (const { vault } of [ours, theirs]) {
      expect(vault.open(announced)).toBeUndefined();
      vault.settle(account, announced.access);
    }
    const resealed = announcementOf(publishOf(ours.vault, true, 5), ours.node);
    expect(theirs.vault.open(resealed)).toBeUndefined();
    expect(theirs.vault.sealedOf(resealed.access)).toBe(resealed.sealed);
  });

  it('sends what a bearer copy holds, signed by its own host, though it knows the whole login', () => {
    const { fleet, secrets, ours, theirs } = twoVaults();
    ours.vault.put(ours.vault.fingerprint(access), credentialOf(access, refresh));
    const announced = announcementOf(publishOf(ours.vault, true, 1), ours.node);
    expect(theirs.vault.open(announced)).toBeUndefined();
    theirs.vault.settle(account, announced.access);

    const again = announcementOf(publishOf(theirs.vault, false, 1), theirs.node);
    const opened = openRecord(again.sealed, { fleetKey: secrets.fleetKey, fleet, account, generation: 1 });
    expect('record' in opened && opened.record.credential.refresh === undefined).toBe(true);
    for (const { vault } of [ours, theirs]) {
      expect(vault.open(again)).toBeUndefined();
      // What a bearer record leaves out is not forgotten.
      expect(vault.get(announced.access)?.refresh === refresh).toBe(true);
    }
    expect(theirs.vault.open(announcementOf(publishOf(ours.vault, true, 1), ours.node))).toBeUndefined();
  });

  it('refuses a record with a refresh token that was not announced', () => {
    const { ours, theirs } = twoVaults();
    ours.vault.put(ours.vault.fingerprint(access), credentialOf(access, refresh));
    const announced = { ...announcementOf(publishOf(ours.vault, true, 1), ours.node), refresh: undefined };
    expect(theirs.vault.open(announced)).toContain('another refresh token');
  });

  it('takes its own record back as it was sent, and refuses it announced as anything else', () => {
    const { ours, theirs } = twoVaults();
    const { vault, node } = ours;
    const send = () => {
      vault.put(vault.fingerprint(access), credentialOf(access, refresh));
      return announcementOf(publishOf(vault, true, 4), node);
    };
    const sent = send();
    expect(vault.open(sent)).toBeUndefined();
    expect(vault.sealedOf(sent.access)).toBe(sent.sealed);
    for (const [changed, problem] of [
      [{ generation: 3 }, 'generation 4'],
      [{ origin: theirs.node }, 'another node'],
      [{ account: accountId('oauth', 'xai', 'acct_2') }, 'another account'],
      [{ access: vault.fingerprint('another') }, 'another credential'],
      [{ refresh: undefined }, 'another refresh token'],
    ] as const) {
      expect(vault.open({ ...send(), ...changed })).toContain(problem);
    }
    expect(vault.open(sent)).toBeUndefined();
  });

  it('refuses a record with another refresh token than the one announced', () => {
    const { ours, theirs } = twoVaults();
    ours.vault.put(ours.vault.fingerprint(access), credentialOf(access, randomBytes(16).toString('hex')));
    const announced = { ...announcementOf(publishOf(ours.vault, false, 1), ours.node) };
    const promised = { ...announced, refresh: theirs.vault.fingerprint(refresh) };
    expect(theirs.vault.open(promised)).toContain('another refresh token');
  });
});
