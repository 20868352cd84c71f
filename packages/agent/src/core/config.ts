import type { CustodyConfig, Refreshing } from '@authmesh/shared/core/custody';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { StoreLayout } from './permit/claim.ts';

/** What of `agent.json` the core decides by. */
export interface AgentConfig {
  /** Coordinators, tried in turn. */
  readonly coordinators: readonly string[];
  readonly profiles: ProfileFilter;
  /** Patterns of logins that are created on this host when it lacks them. */
  readonly create: readonly string[];
  /** The store in which they are created: the default agent's; absent where no JSON store may be made. */
  readonly createIn?: StoreId | undefined;
  readonly apiKeys: boolean;
  readonly custody: CustodyConfig;
  readonly refreshes: Refreshing;
  /** False: an agent that works for one command only, and may be gone in the middle of an exchange. */
  readonly takesLeases?: boolean | undefined;
  /** How many sessions hang on each store of this host; what is not named is one session of its own. */
  readonly layout?: ReadonlyMap<StoreId, StoreLayout> | undefined;
  /** Sessions that an OpenClaw agent of this host opens, by its id; 1 where nothing is said. */
  readonly sessions?: Readonly<Record<string, number>> | undefined;
  /** Whether health commands that the coordinator names may run on this host. */
  readonly healthCommands?: boolean | undefined;
}
