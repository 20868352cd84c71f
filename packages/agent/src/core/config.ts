import type { CustodyConfig } from '@authmesh/shared/core/custody';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';

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
}
