import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import { accountOfKey, type RecordKey } from '@authmesh/coordinator/core/record';
import { readAccountRow } from '@authmesh/coordinator/store/account-row';
import type { TransactionStep } from '@authmesh/coordinator/store/group-commit';
import type { Store } from '@authmesh/coordinator/store/store';
import { operatorSentence } from '@authmesh/shared/node/errors';

/** Moments of a commit at which a crash must lose nothing that was told to anybody. */
export type CommitStep = 'asked' | TransactionStep | 'told';

/** The core's way to the store. */
export interface Persisting {
  /** Answered by an event, whatever becomes of it. */
  readonly compareAndSet: (effect: Extract<CoordinatorEffect, { type: 'compare-and-set' }>) => Promise<void>;
  /** Why the store does not take writes; undefined while it does. */
  readonly trouble: () => string | undefined;
}

/** Carries changes to the store, and tells what became of each; `at` is told at each step. */
export function createPersisting(
  store: Store,
  dispatch: (event: CoordinatorEvent) => void,
  at?: (step: CommitStep) => void,
): Persisting {
  let trouble: string | undefined;

  function conflicted(key: RecordKey, value: unknown, storeRevision: number): void {
    const record = accountOfKey(key) === undefined ? undefined : readAccountRow(value);
    if (record || accountOfKey(key) === undefined)
      dispatch({ type: 'persist-conflicted', key, value: record, storeRevision });
    else dispatch({ type: 'persist-failed', key, reason: 'its record is damaged in the store, or gone from it' });
  }

  return {
    trouble: () => trouble,
    async compareAndSet({ key, expected, value }) {
      try {
        at?.('asked');
        const outcome = await store.compareAndSet(key, expected, value);
        trouble = undefined;
        if (outcome.ok) dispatch({ type: 'persist-succeeded', key, storeRevision: outcome.revision });
        else conflicted(key, outcome.value, outcome.revision);
        at?.('told');
      } catch (error) {
        trouble = operatorSentence(error);
        dispatch({ type: 'persist-failed', key, reason: trouble });
      }
    },
  };
}
