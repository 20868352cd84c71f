import type { AlertMessage, TellOutcome } from '@authmesh/shared/core/alerts/incident';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { runToEnd } from '../child-program.ts';
import { type HttpAnswer, sendRequest } from '../http-request.ts';
import { retryAfterOf } from '../retry-after.ts';
import type { AlertChannel } from './alert-channel.ts';
import { alertText, alertTitle } from './alert-text.ts';
import { incidentDocument } from './incident-document.ts';

/** Sends one message; never throws. */
export type AlertSender = (message: AlertMessage) => Promise<TellOutcome>;

const timeoutMs: Milliseconds = 10 * second;
/** Incidents whose thread is remembered. */
const threadsMax = 1_000;

/** How a channel is told. */
export function createAlertSender(channel: AlertChannel): AlertSender {
  switch (channel.kind) {
    case 'slack':
      return channel.url === undefined
        ? slackBot(channel.api, channel.token ?? '', channel.channel ?? '')
        : slackWebhook(channel.url);
    case 'webhook':
      return async message => heard(await postJson(channel.url, documentOf(message), channel.headers));
    case 'ntfy':
      return ntfy(channel.url, channel.token);
    case 'command':
      return async message => {
        const [program = '', ...args] = channel.command;
        const input = `${JSON.stringify(documentOf(message))}\n`;
        const ended = await runToEnd({ program, args, input, timeoutMs: channel.timeoutSeconds * second });
        return 'why' in ended ? { ok: false, why: `${program} ${ended.why}` } : { ok: true };
      };
    default:
      return channel satisfies never;
  }
}

/** What programs are given of a message. */
function documentOf(message: AlertMessage): object {
  const { event, incidents } = message;
  const text = alertText(message, Date.now());
  return { event, title: alertTitle(message), text, incidents: incidents.map(incidentDocument) };
}

function slackWebhook(url: string): AlertSender {
  return async message => heard(await postJson(url, { text: slackText(message) }));
}

/** An incident is a thread: what follows its first message is put under it. */
function slackBot(api: string, token: string, channel: string): AlertSender {
  const threads = new Map<string, string>();
  return async message => {
    const id = message.event === 'digest' ? undefined : message.incidents[0]?.id;
    const thread = id === undefined ? undefined : threads.get(id);
    const body = { channel, text: slackText(message), ...(thread === undefined ? {} : { thread_ts: thread }) };
    const end = await postJson(`${api}/chat.postMessage`, body, { authorization: `Bearer ${token}` });
    const outcome = heard(end);
    if (!outcome.ok || end.end !== 'answered') return outcome;
    const { ok, error, ts } = slackAnswer(end);
    if (!ok) return { ok: false, why: `${new URL(api).host} refuses the message${error}` };
    if (id !== undefined && thread === undefined && ts !== undefined) threads.set(id, ts);
    if (id !== undefined && message.event === 'resolved') threads.delete(id);
    if (threads.size > threadsMax) threads.clear();
    return outcome;
  };
}

function slackAnswer({ body }: HttpAnswer): { readonly ok: boolean; readonly error: string; readonly ts?: string } {
  try {
    const { ok, error, ts } = JSON.parse(body) as Record<string, unknown>;
    const word = typeof error === 'string' && /^\w{1,40}$/.test(error) ? `: ${error}` : '';
    return { ok: ok === true, error: word, ...(typeof ts === 'string' ? { ts } : {}) };
  } catch {
    return { ok: false, error: ' with something that is no JSON' };
  }
}

/** Slack takes these three for marks of its own. */
function slackText(message: AlertMessage): string {
  return alertText(message, Date.now()).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function ntfy(url: string, token: string | undefined): AlertSender {
  return async message => {
    const { event, incidents } = message;
    const isCritical =
      event !== 'resolved' && incidents.some(one => one.state === 'open' && one.severity === 'critical');
    const headers = {
      title: encodedWord(alertTitle(message)),
      priority: isCritical ? 'high' : 'default',
      tags: event === 'resolved' ? 'white_check_mark' : isCritical ? 'rotating_light' : 'warning',
      'content-type': 'text/plain; charset=utf-8',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return heard(await send(url, alertText(message, Date.now()), headers));
  };
}

/** A header holds ASCII; anything else in the form of RFC 2047. */
function encodedWord(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

function postJson(url: string, body: object, headers: Readonly<Record<string, string>> = {}) {
  return send(url, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

function send(url: string, body: string, headers: Readonly<Record<string, string>>) {
  const all = { 'user-agent': 'authmesh', ...headers };
  return sendRequest({ method: 'POST', url: new URL(url), headers: all, body, timeoutMs, begunAt: performance.now() });
}

/** Whether a receiver has taken it. */
function heard(end: Awaited<ReturnType<typeof sendRequest>>): TellOutcome {
  if (end.end !== 'answered') return { ok: false, why: end.why };
  if (end.status >= 200 && end.status < 300) return { ok: true };
  return { ok: false, why: `it answered ${end.status}`, retryAfterMs: retryAfterOf(end.headers, Date.now()) };
}
