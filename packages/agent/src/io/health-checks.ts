import { checkHealth, type HealthCheck, type HealthResult } from './health-command.ts';

/** The health commands that are under way: of each claim the last one counts, and none outlives its agent. */
export interface HealthChecks {
  readonly check: (order: HealthCheck & { readonly claim: number; readonly run: number }) => void;
  /** Ends them all; resolves when nothing of them runs any more. */
  readonly stop: () => Promise<void>;
}

/** Tells `onResult` what came of each check that was not overtaken. */
export function createHealthChecks(onResult: (claim: number, run: number, result: HealthResult) => void): HealthChecks {
  const underWay = new Map<number, { readonly control: AbortController; readonly done: Promise<void> }>();

  return {
    check({ claim, run, command, timeoutMs, fallsFirst }) {
      underWay.get(claim)?.control.abort();
      const control = new AbortController();
      const done = checkHealth({ command, timeoutMs, fallsFirst, signal: control.signal }).then(result => {
        if (control.signal.aborted) return;
        underWay.delete(claim);
        onResult(claim, run, result);
      });
      underWay.set(claim, { control, done });
    },
    async stop() {
      const checks = [...underWay.values()];
      for (const { control } of checks) control.abort();
      await Promise.all(checks.map(({ done }) => done));
    },
  };
}
