import { randomInt } from 'node:crypto';
import type { AgentState } from '@authmesh/agent/core/state';
import type { Condition } from '@authmesh/shared/core/alerts/incident';
import { observe } from '@authmesh/shared/core/alerts/incidents';
import { configureChannels, createTelling, tell, told } from '@authmesh/shared/core/alerts/telling';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { type AlertChannel, channelName } from '@authmesh/shared/node/alerts/alert-channel';
import { createAlerting } from '@authmesh/shared/node/alerts/alerting';
import type { Logger } from '@authmesh/shared/node/logger';
import { linkStatus } from './link-status.ts';

/*
 * A coordinator that is dead tells nobody. A host that has lost it for too long says so by itself, through channels of its own.
 */

export interface CoordinatorAlertTerms {
  readonly channels: readonly AlertChannel[];
  /** How long the coordinator may be away before that is told. */
  readonly lostMs: Milliseconds;
}

export interface CoordinatorAlert {
  readonly configure: (terms: CoordinatorAlertTerms) => void;
  readonly stop: () => void;
}

const lookMs: Milliseconds = second;
const messagesPerHour = 30;

/** Watches the link, and tells the channels when it is lost for too long, and when it is back. */
export function watchCoordinator(
  machine: () => Pick<AgentState, 'link' | 'lastHeard' | 'self'>,
  logger: Logger,
  terms: CoordinatorAlertTerms,
): CoordinatorAlert {
  const startedAt = Date.now();
  let { lostMs, channels } = terms;
  const telling = createTelling(messagesPerHour);
  const alerting = createAlerting(channels, (channel, outcome) => {
    told(telling, channel, outcome, { at: Date.now(), elapsed: performance.now(), seed: randomInt(2 ** 32) });
    if (!outcome.ok) logger.note(note('alert-refused', { why: `${channel}: ${outcome.why}` }));
    say();
  });

  function say(): void {
    for (const one of tell(telling, Date.now(), performance.now()).messages) alerting.tell(one);
  }

  function look(): void {
    if (channels.length === 0) return;
    const at = Date.now();
    const lost = lostCondition(machine(), at, Math.max(lostMs, 0), startedAt);
    observe(telling.incidents, lost ? [lost] : [], at);
    say();
  }

  function configure(changed: CoordinatorAlertTerms): void {
    ({ lostMs, channels } = changed);
    alerting.configure(channels);
    const named = channels.map(one => ({ name: channelName(one), criticalOnly: one.severity === 'critical' }));
    configureChannels(telling, { channels: named, messagesPerHour }, Date.now(), performance.now());
  }

  configure(terms);
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { configure, stop: () => clearInterval(timer) };
}

function lostCondition(
  { self, ...state }: Pick<AgentState, 'link' | 'lastHeard' | 'self'>,
  at: Instant,
  lostMs: Milliseconds,
  startedAt: Instant,
): Condition | undefined {
  const { connected, since: known } = linkStatus(state, at);
  const since = known > 0 ? known : startedAt;
  if (connected || at - since < lostMs) return undefined;
  const isRefused = state.link.isRefused === true;
  return {
    id: `coordinator/${self.name}`,
    kind: 'coordinator-away',
    severity: 'critical',
    what: isRefused ? `the coordinator turns ${self.name} away` : `${self.name} has lost the coordinator`,
    why: state.link.problem ?? '',
    where: [self.name],
    since,
    breaks: 'this host gets no fresher logins, and nobody is told of anything but this',
    mend: isRefused
      ? `on ${self.name}: authmesh-agent doctor`
      : 'on the host of the coordinator: authmesh-coordinator status',
  };
}
