import { type AlertStatus, alertStatus } from '@authmesh/agent/io/alert-status';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { type Finding, notice } from './finding.ts';

/** What the coordinator says of the fleet: incidents elsewhere, and channels that take no messages. */
export function diagnoseAlerts(answer: Extract<AnswerBody, { type: 'alerts' }>, host: string): Finding[] {
  const { incidents, channels } = alertStatus(answer);
  const elsewhere = incidents.filter(({ state, where }) => state === 'open' && !where.includes(host));
  return [...elsewhere.map(incidentFinding), ...channels.flatMap(channelFinding)];
}

/** What is wrong here is told by whoever looked at it here. */
function incidentFinding({ what, mend }: AlertStatus['incidents'][number]): Finding {
  return notice('fleet', what, mend);
}

function channelFinding({ name, waiting, trouble }: AlertStatus['channels'][number]): Finding[] {
  if (!trouble) return [];
  const found = `alert channel ${name} takes no messages since ${trouble.since}: ${trouble.why}; ${waiting} wait`;
  return [notice('alerts', found, 'mend its address or token in coordinator.json, then send the coordinator SIGHUP')];
}
