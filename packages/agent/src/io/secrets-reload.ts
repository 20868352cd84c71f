import { type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { runShell, type ShellEnd } from './shell-command.ts';
import type { StateDirectory } from './state-directory.ts';

/*
 * A running gateway of most releases goes on with the logins that it once read: `openclaw secrets reload` makes what was
 * written count at once (field/openclaw-stores.md, 2.6). A delivery counts without it; what becomes of the reload is a
 * state of its own, with what mends it.
 */

export interface ReloadSettings {
  /** What starts OpenClaw's command line. */
  readonly command: string;
  /** `auto`: where the release needs it. */
  readonly when: 'auto' | 'always' | 'never';
}

/** What keeps a gateway from learning of what was written. */
export interface ReloadTrouble {
  readonly reason: string;
  readonly mend: string;
  /** Nothing says that a gateway runs at all: there is no command to ask with. */
  readonly isUnasked?: boolean | undefined;
}

export interface Reloader {
  /**
   * A login was written there, in the place of one that OpenClaw could use or not (`wasOut`): where its gateway would not see
   * that by itself it is told, once for all that is written meanwhile.
   */
  readonly written: (where: Pick<StateDirectory, 'stateDir' | 'gatewaySees'>, wasOut: boolean) => void;
  /** A gateway there may have missed what was written while nobody told it: before this agent started, or when it ended. */
  readonly owed: (stateDir: string) => void;
  /** What came of the last reload there, where that was trouble. It is tried again by itself. */
  readonly trouble: (stateDir: string) => (ReloadTrouble & { readonly at: Instant }) | undefined;
  /** Starts what is due at once; resolves when nothing is under way. */
  readonly settled: () => Promise<void>;
  /** Ends what runs; nothing is started any more. */
  readonly close: () => Promise<void>;
}

export interface ReloaderOptions {
  readonly settings: () => ReloadSettings;
  /** Told when a gateway has read its stores anew: what stands there now is what counts. */
  readonly onReloaded: (stateDir: string) => void;
  /** Told once when the trouble of a state directory begins. */
  readonly onTrouble: (stateDir: string, trouble: ReloadTrouble) => void;
  readonly gatherMs?: Milliseconds | undefined;
  readonly retryMs?: Milliseconds | undefined;
}

/** How long deliveries are gathered for one reload. */
const gatherMsDefault: Milliseconds = 200;
/** How long after a failed one the next is tried, for somebody may have mended what was wrong; twice as long each time. */
const retryMsDefault: Milliseconds = minute;
/** A host without a gateway, or without anybody who approves it, is asked no more often in the end. */
const retryFactorMax = 16;
/** It takes 1.5 to 4 s where all is well. */
const timeoutMs: Milliseconds = 30 * second;

/** Tells the gateways of this host. */
export function createReloader(options: ReloaderOptions): Reloader {
  const { settings, onReloaded, onTrouble, gatherMs = gatherMsDefault, retryMs = retryMsDefault } = options;
  const due = new Map<string, NodeJS.Timeout>();
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const troubles = new Map<string, ReloadTrouble & { readonly at: Instant }>();
  /** Failed reloads in a row. */
  const failures = new Map<string, number>();
  const stop = new AbortController();

  async function reload(stateDir: string): Promise<void> {
    const { command } = settings();
    const trouble = troubleOf(command, await runReload(command, stateDir, stop.signal));
    if (stop.signal.aborted) return;
    if (trouble === undefined) {
      troubles.delete(stateDir);
      failures.delete(stateDir);
      onReloaded(stateDir);
      return;
    }
    if (troubles.get(stateDir)?.reason !== trouble.reason) onTrouble(stateDir, trouble);
    troubles.set(stateDir, { ...trouble, at: Date.now() });
    const before = failures.get(stateDir) ?? 0;
    failures.set(stateDir, before + 1);
    later(stateDir, retryMs * Math.min(retryFactorMax, 2 ** before));
  }

  function start(stateDir: string): void {
    clearTimeout(due.get(stateDir));
    due.delete(stateDir);
    if (settings().when === 'never') return;
    const ended = reload(stateDir).finally(() => {
      running.delete(stateDir);
      if (again.delete(stateDir)) later(stateDir, gatherMs);
    });
    running.set(stateDir, ended);
  }

  function later(stateDir: string, ms: Milliseconds): void {
    if (stop.signal.aborted) return;
    clearTimeout(due.get(stateDir));
    due.set(stateDir, setTimeout(start, ms, stateDir));
  }

  function owed(stateDir: string): void {
    // What the one under way has read is older than this.
    if (running.has(stateDir)) again.add(stateDir);
    else if (!due.has(stateDir) || troubles.has(stateDir)) later(stateDir, gatherMs);
  }

  return {
    written({ stateDir, gatewaySees }, wasOut) {
      const isSeen = gatewaySees === 'all' || (gatewaySees === 'logins' && !wasOut);
      if (settings().when === 'always' || !isSeen) owed(stateDir);
    },
    owed,
    trouble: stateDir => (settings().when === 'never' ? undefined : troubles.get(stateDir)),
    async settled() {
      for (const stateDir of due.keys()) start(stateDir);
      while (running.size > 0) {
        await Promise.all(running.values());
        for (const stateDir of due.keys()) if (!troubles.has(stateDir)) start(stateDir);
      }
    },
    async close() {
      stop.abort();
      for (const timer of due.values()) clearTimeout(timer);
      due.clear();
      again.clear();
      await Promise.all(running.values());
    },
  };
}

function runReload(command: string, stateDir: string, signal: AbortSignal): Promise<ShellEnd> {
  // Its command line starts itself a second time, in a group of its own that would outlive a time-out or a stop.
  const environment = { OPENCLAW_STATE_DIR: stateDir, OPENCLAW_NO_RESPAWN: '1' };
  const options = { timeoutMs, signal, environment, keepsOutput: true };
  return runShell(`${command} secrets reload --json`, options).catch(() => ({ status: 127, output: '' }));
}

/** What the command's end means; undefined where the gateway has what was written, or there is none to tell. */
function troubleOf(command: string, { status, output }: ShellEnd): ReloadTrouble | undefined {
  const byHand = `run \`${command} secrets reload\` on this host and do what it says`;
  if (status === 0) return undefined;
  if (status === undefined) return { reason: `\`${command} secrets reload\` did not end in time`, mend: byHand };
  if (status === 127) {
    return {
      reason: `\`${command}\` is not found, so a running gateway may go on with the logins that it once read`,
      mend: 'say in `openclaw.command` of agent.json how OpenClaw is started, or restart its gateway',
      isUnasked: true,
    };
  }
  // A gateway that starts later reads what stands there.
  if (/ECONNREFUSED|Gateway not reachable/i.test(output)) return undefined;
  if (/scope upgrade pending|pairing required/i.test(output)) {
    return {
      reason: 'OpenClaw’s gateway waits for an approval before it reads its logins anew',
      mend: `run \`${command} devices list\`, and \`${command} devices approve\` with the request that is pending`,
    };
  }
  if (/unknown command/i.test(output)) {
    return {
      reason: `this release of OpenClaw has no \`secrets reload\``,
      mend: 'set `openclaw.reload` to "never" in agent.json',
    };
  }
  return { reason: `\`${command} secrets reload\` ended with status ${status}`, mend: byHand };
}
