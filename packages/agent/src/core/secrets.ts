import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import type { Rotates } from '@authmesh/shared/protocol/rotation';
import type { AgentEffect } from './effect.ts';
import type { AgentState } from './state.ts';

/** What was read of this host's secrets, under the key of an epoch. */
export interface SecretsSeen {
  readonly keyEpoch: number;
  readonly readings: readonly SecretReading[];
  /** Which of them this host can rotate, and how often it is to. */
  readonly rotates?: readonly Rotates[] | undefined;
}

/** The secrets of this host were read, and something of them has changed. */
export function secretsRead(state: AgentState, seen: SecretsSeen, effects: AgentEffect[]): void {
  const { keyEpoch, readings, rotates } = seen;
  state.secrets = { keyEpoch, readings, rotates };
  if (state.link.synced) tellSecrets(state, effects);
}

/** Tells the coordinator all of them: it may have restarted, or be another one. */
export function tellSecrets({ secrets }: AgentState, effects: AgentEffect[]): void {
  if (secrets) effects.push({ type: 'send', message: { type: 'secrets', ...secrets } });
}
