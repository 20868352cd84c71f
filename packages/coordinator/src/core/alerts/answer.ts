import { compareSeverity } from '@authmesh/shared/core/alerts/incident';
import { openCount } from '@authmesh/shared/core/alerts/incidents';
import { dueFor, incidentOf } from '@authmesh/shared/core/alerts/telling';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, second } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { incidentsShownMax, mutesMax } from '@authmesh/shared/protocol/limits';
import type { Question } from '@authmesh/shared/protocol/question';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState } from '../state.ts';

type AlertQuestion = Extract<Question, { type: 'alerts' | 'acknowledge' | 'mute' }>;

/** Answers an operator who asks what is wrong, has seen it, or wants to hear no more of it. */
export function answerAlerts(
  state: CoordinatorState,
  node: NodeId,
  question: AlertQuestion,
  at: Instant,
  effects: CoordinatorEffect[],
): AnswerBody {
  const audit = (details: string) =>
    void effects.push({ type: 'audit', entry: { at, action: question.type, node, details } });
  const { alerts } = state;
  const by = state.nodes.get(node)?.record.name ?? 'a node that is gone';
  alerts.mutes = alerts.mutes.filter(({ until }) => until > at);
  if (question.type === 'acknowledge') {
    const unknown = question.ids.filter(id => alerts.incidents.get(id)?.state !== 'open');
    if (unknown.length > 0) {
      const message = `nothing is open under ${unknown.slice(0, 3).join(', ')}; \`authmesh-agent alerts\` lists what is`;
      return { type: 'problem', code: 'ERR_NO_SUCH_INCIDENT', message };
    }
    for (const id of question.ids) {
      const incident = alerts.incidents.get(id);
      if (incident) alerts.incidents.set(id, { ...incident, acknowledged: { by, at } });
      audit(id);
    }
    alerts.isNews = true;
  }
  if (question.type === 'mute') {
    const { pattern, forMs } = question;
    const others = alerts.mutes.filter(mute => mute.pattern !== pattern);
    if (forMs > 0 && others.length >= mutesMax) {
      const message = `${mutesMax} patterns are muted already: end one of them first, with --off`;
      return { type: 'problem', code: 'ERR_TOO_MANY', message };
    }
    audit(forMs > 0 ? `${pattern} for ${forMs / second} s` : `${pattern} ends`);
    alerts.mutes = forMs > 0 ? [...others, { pattern, until: at + forMs, by }] : others;
    alerts.isNews = true;
  }
  return alertsView(state, at);
}

/** What is wrong, and who has been told. */
export function alertsView({ alerts }: CoordinatorState, at: Instant): Extract<AnswerBody, { type: 'alerts' }> {
  const all = [...alerts.incidents.values()];
  const open = all.filter(({ state }) => state === 'open').sort(compareSeverity);
  const over = all.filter(({ state }) => state === 'resolved').reverse();
  return {
    type: 'alerts',
    incidents: [...open, ...over].slice(0, incidentsShownMax).map(incidentOf),
    open: openCount(alerts.incidents),
    mutes: [...alerts.mutes],
    channels: [...alerts.channels.values()].map(channel => ({
      name: channel.terms.name,
      waiting: dueFor(alerts, channel, at).length,
      trouble: channel.trouble,
    })),
  };
}
