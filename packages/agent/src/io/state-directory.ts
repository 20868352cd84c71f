import type { OpenaiName } from '@authmesh/agent/core/naming';
import type { ToolName } from '@authmesh/agent/core/tools';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { refreshesFromMemory } from './formats/openclaw-config.ts';

/** Where logins are kept on this host. */
export interface StorePlaces {
  readonly stateDirs: readonly string[];
  /** The main agent's folder of the first state directory, where it lies elsewhere. */
  readonly agentDir?: string | undefined;
  /** Files of other tools, as `stores` of agent.json names them. */
  readonly tools?: readonly ToolPlace[] | undefined;
}

/** A file in which a tool besides OpenClaw keeps its login. */
export interface ToolPlace {
  readonly tool: ToolName;
  /** Absolute path. */
  readonly file: string;
  /** Whether its login is one account with OpenClaw's of the same provider and account id. */
  readonly sharesLogins: boolean;
}

/** Where a host's OpenClaw keeps its logins, found by looking at the host and never by its version. */
export type StoreGeneration = 'json' | 'json-with-state' | 'sqlite' | 'sqlite-shared' | 'none' | 'unknown';

/**
 * What a running gateway sees of what is written into its stores: all of it at its next turn (up to 2026.2.25), a login in
 * the place of one that it uses (from 2026.8.1 on; it does not come back to one that it could not use), or nothing for sure.
 */
export type GatewaySight = 'all' | 'logins' | 'nothing';

/** An agent of OpenClaw and the store that is its own; where logins are shared, the main agent's is the one that all share. */
export interface AgentStore {
  readonly id: string;
  readonly store: StoreId;
  readonly isPresent: boolean;
}

/** A folder with stores: a state directory of OpenClaw's, or where another tool keeps its login. */
export interface StateDirectory {
  readonly stateDir: string;
  /** The tool that keeps its login there, where that is not OpenClaw. */
  readonly tool?: ToolName | undefined;
  /** The main agent's folder, where it lies elsewhere (`OPENCLAW_AGENT_DIR`). */
  readonly agentDir?: string | undefined;
  readonly generation: StoreGeneration;
  readonly gatewaySees: GatewaySight;
  /** Every agent's store; none where logins are kept in what cannot be read. */
  readonly agents: readonly AgentStore[];
  /** What looks like a place of logins and is not read or written, with the reason for the operator. */
  readonly foreign: readonly { readonly path: string; readonly reason: string }[];
  /** The OpenClaw that last wrote `openclaw.json`, when it says so. */
  readonly openclawVersion?: string | undefined;
  /** OpenClaw's own bound of agents that run at once (`agents.defaults.maxConcurrent`), when it says so. */
  readonly concurrentMax?: number | undefined;
  /** Why its agents cannot be held back by marks of their own; undefined where they can. */
  readonly noHold?: string | undefined;
  readonly openaiName?: OpenaiName | undefined;
  /** Why no store may be created here; undefined where one may. A profile may be, in a store that is there. */
  readonly noCreation?: string | undefined;
}

/** Whether the gateway there refreshes with the pair that it once read, whatever stands in its store. */
export function remembersPairs({ generation, openclawVersion }: StateDirectory): boolean {
  return generation.startsWith('json') && refreshesFromMemory(openclawVersion);
}
