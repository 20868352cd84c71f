import type { SecretErrand } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import type { SecretDeclaration } from '@authmesh/agent/io/formats/secret-declaration';
import type { Identity } from '@authmesh/agent/io/identity';
import { createPushErrands } from '@authmesh/agent/io/secrets/push-errands';
import { createRotationErrands, rotatesOf } from '@authmesh/agent/io/secrets/rotation-errands';
import { createSecretReader } from '@authmesh/agent/io/secrets/secret-reader';
import { createSecretWatch } from '@authmesh/agent/io/secrets/secret-watch';
import type { Instant } from '@authmesh/shared/core/time';
import { driftKey, fingerprintDrift } from '@authmesh/shared/crypto/fingerprint';
import type { UpMessage } from '@authmesh/shared/protocol/up';

type Answer = Extract<UpMessage, { type: 'secret-given' | 'secret-taken' | 'rotation-report' }>;

export interface AgentSecretsOptions {
  readonly home: string;
  readonly membership: Identity['membership'];
  readonly tell: (event: Extract<AgentEvent, { type: 'secrets-read' }>) => void;
  /** To the coordinator, on the link that is open by then. */
  readonly send: (message: Answer) => void;
  /** By the coordinator's clock. */
  readonly now: () => Instant;
}

/** The secrets that this host compares with others. */
export interface AgentSecrets {
  /** Others from now on; they are read at once. */
  readonly change: (declarations: readonly SecretDeclaration[]) => Promise<void>;
  /** A secret is spread: gives it, or puts it where it belongs. */
  readonly run: (errand: SecretErrand) => void;
  readonly close: () => Promise<void>;
}

/** Reads them and tells the machine; nothing waits for it, for a command may take its time. */
export function createAgentSecrets({ home, membership, tell, send, now }: AgentSecretsOptions): AgentSecrets {
  const { fleet, secrets } = membership;
  const { fleetKey, keyEpoch } = secrets;
  const key = driftKey(fleetKey);
  const ending = new AbortController();
  let declared: readonly SecretDeclaration[] = [];
  const watch = createSecretWatch({
    read: createSecretReader(value => fingerprintDrift(key, value)),
    onReadings: readings => tell({ type: 'secrets-read', keyEpoch, readings, rotates: rotatesOf(declared) }),
  });
  const options = { fleet, fleetKey, declarations: () => declared, now, signal: ending.signal };
  const [push, rotate] = [createPushErrands(options), createRotationErrands({ ...options, home })];
  const underWay = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    change(declarations) {
      declared = declarations;
      return watch.change(declarations);
    },
    run(errand) {
      // Asked again while it waits or is under way: the one answer does for both.
      const key = JSON.stringify(errand);
      if (underWay.has(key)) return;
      underWay.add(key);
      // One after the other: two of them may want the same file.
      const done = last.then((): Promise<Answer> => (errand.type === 'rotation-order' ? rotate(errand) : push(errand)));
      last = done.catch(() => undefined);
      void done
        .then(async answer => {
          // Whoever asked looks at the comparison next: it has to be of what stands there now.
          if (changesPlaces(errand)) await watch.look();
          send(answer);
        })
        .finally(() => underWay.delete(key));
    },
    async close() {
      ending.abort();
      await Promise.all([watch.close(), last]);
    },
  };
}

function changesPlaces(errand: SecretErrand): boolean {
  if (errand.type === 'rotation-order') return errand.step === 'switch' || errand.step === 'apply';
  return errand.type === 'take-secret';
}
