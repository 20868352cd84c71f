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
  /** The same for what nobody waits for: it goes with the next transaction, or makes one of its own after a moment. */
  readonly gather: (work: () => void) => Promise<void>;
  /** Commits what is waiting now. */
  readonly flush: () => void;
}

/** How long what nobody waits for may wait: a crash may take it. */
const gatherMs = 100;

/**
 * Gathers the changes of one turn of the event loop into one transaction: syncing the disk is what a commit costs, and
 * a hundred changes need it once. A fault fails the whole group, and leaves nothing of it.
 */
export function createGroupCommit(transaction: GroupTransaction): GroupCommit {
  let jobs: Job[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let gathering: NodeJS.Timeout | undefined;

  const flush = () => {
    clearImmediate(scheduled);
    clearTimeout(gathering);
    scheduled = undefined;
    gathering = undefined;
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

  function add<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: T;
      jobs.push({
        apply: () => {
          result = work();
        },
        committed: () => resolve(result),
        failed: reject,
      });
    });
  }

  return {
    run(work) {
      scheduled ??= setImmediate(flush);
      return add(work);
    },
    gather(work) {
      gathering ??= setTimeout(flush, gatherMs);
      return add(work);
    },
    flush,
  };
}
