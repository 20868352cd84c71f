import type { AgentEvent } from '@authmesh/agent/core/event';
import type { Identity } from '@authmesh/agent/io/identity';
import { createSecretReader } from '@authmesh/agent/io/secrets/secret-reader';
import { createSecretWatch, type SecretWatch } from '@authmesh/agent/io/secrets/secret-watch';
import { driftKey, fingerprintDrift } from '@authmesh/shared/crypto/fingerprint';

/** Reads what this host compares with others, and tells the machine; nothing waits for it, for a command may take its time. */
export function watchSecrets(
  { fleetKey, keyEpoch }: Identity['membership']['secrets'],
  tell: (event: Extract<AgentEvent, { type: 'secrets-read' }>) => void,
): SecretWatch {
  const key = driftKey(fleetKey);
  return createSecretWatch({
    read: createSecretReader(value => fingerprintDrift(key, value)),
    onReadings: readings => tell({ type: 'secrets-read', keyEpoch, readings }),
  });
}
