/** What the exit status of either program means; the same table stands in the user's reference. */
export const exitCodes = {
  /** Done, healthy. */
  ok: 0,
  /** Ran, and found a problem: something expired, drifted, was refused. */
  problem: 1,
  /** Wrong usage: one sentence, what to change. */
  usage: 64,
  /** The coordinator, or the agent's daemon, cannot be reached. */
  unreachable: 69,
  /** Not now, try again: no permit in time, a lock is held. */
  tryAgain: 75,
  /** Not allowed: evicted, banned, a code that is used up or expired. */
  notAllowed: 77,
  /** Configuration is invalid: file, field, what was found, what is expected. */
  configuration: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
