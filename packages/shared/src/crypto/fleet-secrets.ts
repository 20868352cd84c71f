import { randomBytes } from 'node:crypto';
import type { Sealed } from '@authmesh/shared/core/identifiers';
import { z } from 'zod';
import { parseJson } from './json-text.ts';
import { bytesOfText, keyBytes, textOfBytes } from './key-text.ts';
import { open, seal } from './secretbox.ts';

/** What the members of a fleet share and the coordinator never has. */
export interface FleetSecrets {
  /** Seals the records of the current key epoch, 32 bytes. */
  readonly fleetKey: Uint8Array;
  /** Counts the fleet keys; the first is 1. */
  readonly keyEpoch: number;
  /** Makes fingerprints of secrets, 32 bytes; outlives key epochs, or lineage would break. */
  readonly fingerprintKey: Uint8Array;
}

const key = z.string().transform((text, context) => {
  const bytes = bytesOfText(text, keyBytes);
  if (bytes) return Uint8Array.from(bytes);
  context.addIssue({ code: 'custom', message: `must be ${keyBytes} bytes as base64` });
  return z.NEVER;
});

/** The secrets as they rest in a file and travel in an invite: JSON with base64 keys. */
export const fleetSecrets = z.object({ fleetKey: key, keyEpoch: z.number().int().min(1), fingerprintKey: key });

/** The secrets of a new fleet; its founding node makes them. */
export function createFleetSecrets(): FleetSecrets {
  return {
    fleetKey: Uint8Array.from(randomBytes(keyBytes)),
    keyEpoch: 1,
    fingerprintKey: Uint8Array.from(randomBytes(keyBytes)),
  };
}

/** A value that `JSON.stringify` and `fleetSecrets` turn back into the same secrets. */
export function fleetSecretsToJson(secrets: FleetSecrets): z.input<typeof fleetSecrets> {
  return {
    fleetKey: textOfBytes(secrets.fleetKey),
    keyEpoch: secrets.keyEpoch,
    fingerprintKey: textOfBytes(secrets.fingerprintKey),
  };
}

/** Seals the secrets with an invite's 32-byte box key, for the coordinator to hand to the joiner. */
export function sealFleetSecrets(secrets: FleetSecrets, boxKey: Uint8Array): Sealed {
  return seal(Buffer.from(JSON.stringify(fleetSecretsToJson(secrets)), 'utf8'), boxKey);
}

/** The secrets inside, or undefined when they were sealed for another code or damaged. */
export function openFleetSecrets(sealed: Sealed, boxKey: Uint8Array): FleetSecrets | undefined {
  const plain = open(sealed, boxKey);
  return plain && fleetSecrets.safeParse(parseJson(plain)).data;
}
