import type { AgentConfig } from '@authmesh/agent/core/config';
import type { ClaimState, ControlReply, ControlRequest } from '@authmesh/agent/core/event';
import type { Agreement, LeaveResult, PlanResult } from '@authmesh/agent/core/leave/leaving';
import type { Provider } from '@authmesh/agent/core/providers';
import type { Repair } from '@authmesh/agent/core/repair';
import type { JournalStep } from '@authmesh/agent/io/agent-journal';
import type { CoordinatorAlertTerms } from '@authmesh/agent/io/coordinator-alert';
import type { DeliveryStep } from '@authmesh/agent/io/delivery';
import type { SecretDeclaration } from '@authmesh/agent/io/formats/secret-declaration';
import type { Identity } from '@authmesh/agent/io/identity';
import type { ExchangeStep } from '@authmesh/agent/io/lease-exchange';
import type { ReloadSettings } from '@authmesh/agent/io/secrets-reload';
import type { StorePlaces } from '@authmesh/agent/io/state-directory';
import type { Status } from '@authmesh/agent/io/status-view';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Logger } from '@authmesh/shared/node/logger';
import type { PublishStep } from './agent-link.ts';

/** Moments at which a crash must lose nothing and leave nothing half: of a delivery, of the journal, of a publish. */
export type AgentStep = DeliveryStep | `journal-${JournalStep}` | PublishStep | ExchangeStep | 'membership-ended';

export interface AgentOptions {
  readonly home: string;
  readonly identity: Identity;
  readonly config: AgentConfig;
  readonly places: StorePlaces;
  /** How logins are refreshed, by provider. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** How gateways learn of what was written. */
  readonly reload: ReloadSettings;
  /** What is compared with other hosts. */
  readonly secrets: readonly SecretDeclaration[];
  /** Whom this host tells by itself when it has lost the coordinator. */
  readonly alerts: CoordinatorAlertTerms;
  readonly logger: Logger;
  /** The program found a fault of its own: the process has to end. */
  readonly onCrash: (error: unknown) => void;
  /** Told at each step; tests end the process there. */
  readonly at?: ((step: AgentStep) => void) | undefined;
}

/** A running agent: the machine, wired to this host. */
export interface Agent {
  readonly status: () => Promise<Status>;
  readonly adopt: (
    profiles: readonly string[],
    agentId: string | undefined,
  ) => Promise<Extract<ControlReply, { op: 'adopt' }>>;
  /** A command's sessions: asks for their permits, starts under them, gives them back. */
  readonly claim: (control: Extract<ControlRequest, { op: `claim${string}` }>) => Promise<ClaimState>;
  /** Heals all that may be healed now; resolves with how far that came when it is done, or after `timeoutMs`. */
  readonly repair: (timeoutMs: Milliseconds) => Promise<Repair>;
  /** What ending this host's membership would come to. */
  readonly planLeave: () => Promise<PlanResult>;
  /** Puts back what has to be, then ends the membership, or (`work`) waits to be stopped. */
  readonly leave: (ends: 'membership' | 'work', agreed: Agreement) => Promise<LeaveResult>;
  readonly configure: (
    changed: Pick<AgentOptions, 'config' | 'places' | 'providers' | 'reload' | 'secrets' | 'alerts'>,
  ) => Promise<void>;
  /** Finishes deliveries under way and lets go of everything. */
  readonly close: () => Promise<void>;
}
