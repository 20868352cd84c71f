import type { Instant, Milliseconds } from '../time.ts';
import { second } from '../time.ts';
import type { AlertMessage, Condition } from './incident.ts';
import { type IncidentRecord, observe } from './incidents.ts';
import { configureChannels, createTelling, isHeard, tell, told } from './telling.ts';

/** What is wrong with one secret, as a test wants it. */
export function conditionOf(id: string, more: Partial<Condition> = {}): Condition {
  return {
    id,
    kind: 'drift',
    severity: 'warning',
    what: `${id} differs`,
    why: '',
    where: ['vps'],
    since: 0,
    breaks: 'nothing',
    mend: 'authmesh-agent drift',
    ...more,
  };
}

/** Incidents and one channel under a clock of their own, looked at each second. */
export function alertScene(messagesPerHour = 30) {
  const telling = createTelling(messagesPerHour);
  const heard: AlertMessage[] = [];
  const wrong = new Map<string, Condition>();
  let at: Instant = 1_000_000;
  /** What the wall clock was set by; what is told goes by elapsed time. */
  let setBy: Milliseconds = 0;
  let isDown = false;
  configureChannels(telling, { channels: [{ name: 'pager', criticalOnly: false }], messagesPerHour }, at, at);

  function deliver(): void {
    for (
      let { messages } = tell(telling, at, at - setBy);
      messages.length > 0;
      { messages } = tell(telling, at, at - setBy)
    ) {
      for (const { channel, message } of messages) {
        if (!isDown) heard.push(message);
        told(telling, channel, isDown ? { ok: false, why: 'it is down' } : { ok: true }, {
          at,
          elapsed: at - setBy,
          seed: at,
        });
      }
    }
  }

  return {
    telling,
    /** In order. */
    heard,
    /** Without the incidents: `opened one`. */
    said: () => heard.map(({ event, incidents }) => `${event} ${incidents.map(({ id }) => id).join(' ')}`),
    incident: (id: string): IncidentRecord | undefined => telling.incidents.get(id),
    now: () => at,
    break: (...conditions: readonly Condition[]) => {
      for (const condition of conditions) wrong.set(condition.id, condition);
    },
    mend: (...ids: readonly string[]) => {
      for (const id of ids) wrong.delete(id);
    },
    takeDown: () => {
      isDown = true;
    },
    bringUp: () => {
      isDown = false;
    },
    setClock: (ms: Milliseconds) => {
      at += ms;
      setBy += ms;
    },
    pass: (ms: Milliseconds) => {
      for (const end = at + ms; at < end; ) {
        at += second;
        observe(telling.incidents, [...wrong.values()], at, incident => isHeard(telling, incident, at));
        deliver();
      }
    },
  };
}
