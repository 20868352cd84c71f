import { join } from 'node:path';
import type { InviteId } from '@authmesh/shared/core/identifiers';
import { createInviteSecret } from '@authmesh/shared/crypto/invite-keys';
import { createSigningKey, type SigningKey, signingKeyFromSeed } from '@authmesh/shared/crypto/signing';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { ensurePrivateDirectory, readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { bytes32, inviteId } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

/** What the coordinator keeps beside its store: the key that nodes pin, and the founding code's secret. */
export interface CoordinatorKeys {
  readonly signing: SigningKey;
  /** Opens nothing: the fleet's secrets are made by the node that uses it. */
  readonly founding: { readonly invite: InviteId; readonly secret: Uint8Array };
}

const fileName = 'keys.json';

const keysFile = z.object({
  format: z.literal(1),
  signingSeed: bytes32,
  founding: z.object({ invite: inviteId, secret: bytes32 }),
});

/** The keys of a coordinator that has run before; only `run` makes a new one. */
export async function requireKeys(dataDir: string): Promise<CoordinatorKeys> {
  const keys = await readKeys(dataDir);
  if (keys) return keys;
  throw new AuthmeshError('ERR_CONFIGURATION', `${dataDir} holds no coordinator’s data`, {
    hint: 'name its folder with --data-dir, or start a new one with `authmesh-coordinator run`',
  });
}

async function readKeys(dataDir: string): Promise<CoordinatorKeys | undefined> {
  const known = await readPrivateJson(join(dataDir, fileName), keysFile);
  if (!known) return undefined;
  return {
    signing: signingKeyFromSeed(Buffer.from(known.signingSeed, 'base64')),
    founding: { invite: known.founding.invite, secret: Buffer.from(known.founding.secret, 'base64') },
  };
}

/** The keys in `dataDir`, made at the first start. */
export async function ensureKeys(dataDir: string): Promise<CoordinatorKeys> {
  await ensurePrivateDirectory(dataDir);
  const known = await readKeys(dataDir);
  if (known) return known;
  const file = join(dataDir, fileName);
  const keys = { signing: createSigningKey(), founding: createInviteSecret() };
  await writePrivateJson(file, {
    format: 1,
    signingSeed: Buffer.from(keys.signing.seed).toString('base64'),
    founding: { invite: keys.founding.invite, secret: Buffer.from(keys.founding.secret).toString('base64') },
  });
  return keys;
}
