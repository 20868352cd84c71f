import { openLink } from '@authmesh/agent/io/link';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import type { SigningKey } from '@authmesh/shared/crypto/signing';
import { observationOf, sealedRecord } from './shared-logins.ts';

/** A member that renews the first of the shared logins, over the agent's own link. */
export interface Publisher {
  readonly publish: () => void;
  readonly close: () => void;
}

const hour = 3_600_000;

/** Resolves when the member is in step. */
export function openPublisher(member: {
  readonly url: string;
  readonly key: SigningKey;
  readonly fleet: FleetId;
  readonly coordinatorKey: string;
}): Promise<Publisher> {
  const { url, key, fleet, coordinatorKey } = member;
  let renewals = 0;
  return new Promise((resolve, reject) => {
    const link = openLink(
      { url, nodeKey: key, fleet, coordinatorKey, role: 'daemon', version: '0.1.0', epoch: 1, now: Date.now },
      {
        opened: () => link.send({ type: 'inventory', observations: [], known: [], last: true }),
        message({ type }) {
          if (type !== 'synced') return;
          resolve({
            publish() {
              renewals++;
              const observation = observationOf(0, renewals, Date.now() + 8 * hour + renewals * 1_000);
              link.send({ type: 'publish', observation, generation: renewals + 1, sealed: sealedRecord() });
            },
            close: () => link.close(),
          });
        },
        announcement: () => undefined,
        closed: (_, message) => reject(new Error(message)),
      },
    );
  });
}
