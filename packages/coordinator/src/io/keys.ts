import { join } from 'node:path';
import type { InviteId } from '@authmesh/shared/core/identifiers';
import { createInviteSecret } from '@authmesh/shared/crypto/invite-keys';
import { createSigningKey, type SigningKey, signingKeyFromSeed } from '@authmesh/shared/crypto/signing';
import { ensurePrivateDirectory, readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { bytes32, inviteId } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';

/** What the coordinator keeps beside its store: the key that nodes pin, and the founding code's secret. */
export interface CoordinatorKeys {
  readonly signing: SigningKey;
  /** Opens nothing: the fleet's secrets are made by the node that uses it. */
  readonly founding: { readonly invite: InviteId; readonly secret: Uint8Array };
}

const keysFile = z.object({
  format: z.literal(1),
  signingSeed: bytes32,
  founding: z.object({ invite: inviteId, secret: bytes32 }),
});

/** The keys in `dataDir`, made at the first start. */
export async function ensureKeys(dataDir: string): Promise<CoordinatorKeys> {
  await ensurePrivateDirectory(dataDir);
  const file = join(dataDir, 'keys.json');
  const known = await readPrivateJson(file, keysFile);
  if (known) {
    return {
      signing: signingKeyFromSeed(Buffer.from(known.signingSeed, 'base64')),
      founding: { invite: known.founding.invite, secret: Buffer.from(known.founding.secret, 'base64') },
    };
  }
  const keys = { signing: createSigningKey(), founding: createInviteSecret() };
  await writePrivateJson(file, {
    format: 1,
    signingSeed: Buffer.from(keys.signing.seed).toString('base64'),
    founding: { invite: keys.founding.invite, secret: Buffer.from(keys.founding.secret).toString('base64') },
  });
  return keys;
}
