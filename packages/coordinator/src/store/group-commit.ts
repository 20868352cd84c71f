/** Moments of a transaction at which a crash must leave all of its changes or none. */
export type TransactionStep = 'begun' | 'applied' | 'committed';

/** The transaction that a group of changes shares. */
export interface GroupTransaction {
  readonly begin: () => void;
  readonly commit: () => void;
  readonly rollBack: () => void;
  /** What the callers are told when the transaction failed. */
  readonly faultOf: (error: unknown) => Error;
  /** Called after each commit, when every caller's answer is on its way. */
  readonly onCommitted: () => void;
  /** Told at each step; tests end the process there. */
  readonly at?: ((step: TransactionStep) => void) | undefined;
}

interface Job {
  readonly apply: () => void;
  readonly committed: () => void;
  readonly failed: (error: Error) => void;
}

export interface GroupCommit {
  /** Does `work` inside the next transaction; resolves with its result when that is committed. */
  readonly run: <T>(work: () => T) => Promise<T>;
  /** Commits what is waiting now. */
  readonly flush: () => void;
}

/**
 * Gathers the changes of one turn of the event loop into one transaction: syncing the disk is what a commit costs, and
 * a hundred changes need it once. A fault fails the whole group, and leaves nothing of it.
 */
export function createGroupCommit(transaction: GroupTransaction): GroupCommit {
  let jobs: Job[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (jobs.length === 0) return;
    const group = jobs;
    jobs = [];
    try {
      transaction.begin();
      transaction.at?.('begun');
      for (const job of group) job.apply();
      transaction.at?.('applied');
      transaction.commit();
    } catch (error) {
      try {
        transaction.rollBack();
      } catch {
        // The engine has rolled back by itself: after a full disk or an input/output error there is nothing left to undo.
      }
      const fault = transaction.faultOf(error);
      for (const job of group) job.failed(fault);
      return;
    }
    transaction.at?.('committed');
    for (const job of group) job.committed();
    transaction.onCommitted();
  };

  return {
    run<T>(work: () => T): Promise<T> {
      return new Promise((resolve, reject) => {
        let result: T;
        jobs.push({
          apply: () => {
            result = work();
          },
          committed: () => resolve(result),
          failed: reject,
        });
        scheduled ??= setImmediate(flush);
      });
    },
    flush,
  };
}
