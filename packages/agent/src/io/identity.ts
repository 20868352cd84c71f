import { join } from 'node:path';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { type BoxKey, boxKeyFromSecret, createBoxKey } from '@authmesh/shared/crypto/box-key';
import { type FleetSecrets, fleetSecrets, fleetSecretsToJson } from '@authmesh/shared/crypto/fleet-secrets';
import { createSigningKey, type SigningKey, signingKeyFromSeed } from '@authmesh/shared/crypto/signing';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { ensurePrivateDirectory, readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { bytes32, fleetId, nodeName } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

/** This host's keys, made here and never sent. */
export interface NodeKeys {
  readonly signing: SigningKey;
  readonly box: BoxKey;
}

/** What joining gave this host. */
export interface Membership {
  readonly fleet: FleetId;
  /** The name that the fleet knows this host by. */
  readonly name: string;
  /** Base64 of the coordinator's public key, pinned from the join code. */
  readonly coordinatorKey: string;
  readonly secrets: FleetSecrets;
}

export interface Identity {
  readonly keys: NodeKeys;
  readonly membership: Membership;
}

/** The file of keys and fleet secrets in the agent's home. */
export const identityFileName = 'identity.json';

const identityFile = z.object({
  format: z.literal(1),
  signingSeed: bytes32,
  boxSecret: bytes32,
  membership: z.object({ fleet: fleetId, name: nodeName, coordinatorKey: bytes32, secrets: fleetSecrets }).optional(),
});

/** The identity of the host whose agent lives in `home`; throws `ERR_NOT_JOINED` before it has joined a fleet. */
export async function readIdentity(home: string): Promise<Identity> {
  const { keys, membership } = await readKeys(home);
  if (keys && membership) return { keys, membership };
  throw new AuthmeshError('ERR_NOT_JOINED', `${home} is not a member of a fleet`, {
    hint: 'run `authmesh-agent join CODE`, with the code that the coordinator or `authmesh-agent invite` prints',
  });
}

/** The fleet that `home` belongs to already, and its keys when it has some. */
export async function readKeys(
  home: string,
): Promise<{ readonly keys?: NodeKeys | undefined; readonly membership?: Membership | undefined }> {
  const file = await readPrivateJson(join(home, identityFileName), identityFile);
  if (!file) return {};
  return {
    keys: {
      signing: signingKeyFromSeed(Buffer.from(file.signingSeed, 'base64')),
      box: boxKeyFromSecret(Buffer.from(file.boxSecret, 'base64')),
    },
    membership: file.membership,
  };
}

/** The keys of `home`, made and kept before anybody hears of them: a join that breaks off is repeated with the same ones. */
export async function ensureKeys(home: string): Promise<NodeKeys> {
  await ensurePrivateDirectory(home);
  const { keys: known } = await readKeys(home);
  if (known) return known;
  const keys = { signing: createSigningKey(), box: createBoxKey() };
  await writeIdentity(home, keys, undefined);
  return keys;
}

/** Keeps what joining gave. */
export async function keepMembership(home: string, keys: NodeKeys, membership: Membership): Promise<void> {
  await writeIdentity(home, keys, membership);
}

async function writeIdentity(home: string, keys: NodeKeys, membership: Membership | undefined): Promise<void> {
  await writePrivateJson(join(home, identityFileName), {
    format: 1,
    signingSeed: Buffer.from(keys.signing.seed).toString('base64'),
    boxSecret: Buffer.from(keys.box.secret).toString('base64'),
    membership: membership && { ...membership, secrets: fleetSecretsToJson(membership.secrets) },
  });
}
