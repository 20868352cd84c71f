import type { CustodyConfig } from '@authmesh/shared/core/custody';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';

/** What of `agent.json` the core decides by. */
export interface AgentConfig {
  /** Coordinators, tried in turn. */
  readonly coordinators: readonly string[];
  readonly profiles: ProfileFilter;
  /** Patterns of logins that are created on this host when it lacks them. */
  readonly create: readonly string[];
  readonly apiKeys: boolean;
  readonly custody: CustodyConfig;
}
