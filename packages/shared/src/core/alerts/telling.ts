import { fraction } from '../chance.ts';
import { matchesText } from '../patterns.ts';
import { hour, type Instant, type Milliseconds, minute, second } from '../time.ts';
import { type AlertMessage, compareSeverity, type Incident, type Mute, type TellOutcome } from './incident.ts';
import type { IncidentRecord, Incidents } from './incidents.ts';

/*
 * There is no queue of messages: each channel has been told a version of each incident, and is told the newest one. However long
 * a receiver is down, it then hears what stands, once; and what waits is as much as there are incidents.
 */

/** Whom to tell, as the configuration says. */
export interface TellingTerms {
  readonly channels: readonly ChannelTerms[];
  /** Messages to one channel in an hour; beyond that what is new is told together. */
  readonly messagesPerHour: number;
}

export interface ChannelTerms {
  readonly name: string;
  /** What is no worse than a warning is not told. */
  readonly criticalOnly: boolean;
}

/** How the telling of one channel stands. */
export interface Channel {
  readonly terms: ChannelTerms;
  /** What is under way to it: incidents and their versions. */
  sending?: ReadonlyMap<string, number> | undefined;
  /** Messages that it may be sent now, and when that was counted, by the elapsed clock. */
  tokens: number;
  countedAt: Milliseconds;
  failures: number;
  /** By the elapsed clock. */
  notBefore: Milliseconds;
  trouble?: { readonly since: Instant; readonly why: string } | undefined;
}

/** What is wrong, and who has been told of it; updated in place. */
export interface Telling {
  messagesPerHour: number;
  readonly incidents: Incidents;
  mutes: readonly Mute[];
  readonly channels: Map<string, Channel>;
  /** Since when each channel is told of anything: what was over before then is no news to it. */
  readonly since: Map<string, Instant>;
}

/** Nothing is wrong, and nobody is told of anything yet. */
export function createTelling(messagesPerHour: number): Telling {
  return { messagesPerHour, incidents: new Map(), mutes: [], channels: new Map(), since: new Map() };
}

/** A message and where it goes. */
export interface Told {
  readonly channel: string;
  readonly message: AlertMessage;
}

/** Messages that a channel may be sent at once, after it was quiet. */
const burst = 5;
const retryMsBase: Milliseconds = 5 * second;
const retryMsMax: Milliseconds = 5 * minute;

/** Brings the channels in line with the configuration. */
export function configureChannels(telling: Telling, terms: TellingTerms, at: Instant, elapsed: Milliseconds): void {
  telling.messagesPerHour = terms.messagesPerHour;
  const before = new Map(telling.channels);
  telling.channels.clear();
  for (const one of terms.channels) {
    const fresh = { tokens: burst, countedAt: elapsed, failures: 0, notBefore: 0 };
    telling.channels.set(one.name, { ...(before.get(one.name) ?? fresh), terms: one });
    if (!telling.since.has(one.name)) telling.since.set(one.name, at);
  }
  for (const name of [...telling.since.keys()]) if (!telling.channels.has(name)) telling.since.delete(name);
}

/** The next message of each channel that has to be told anything, and when there may be more, by the elapsed clock. */
export function tell(
  telling: Telling,
  at: Instant,
  elapsed: Milliseconds,
): { readonly messages: readonly Told[]; readonly next: Milliseconds | undefined } {
  let next: Milliseconds | undefined;
  const messages: Told[] = [];
  for (const channel of telling.channels.values()) {
    const due = channel.sending ? [] : dueFor(telling, channel, at);
    const [first] = due;
    if (!first) continue;
    refill(channel, telling, elapsed);
    const readyAt = Math.max(channel.notBefore, elapsed + untilToken(channel, telling));
    if (readyAt > elapsed) {
      next = Math.min(next ?? readyAt, readyAt);
      continue;
    }
    // What is more than may be told one by one is told together.
    const isDigest = due.length > channel.tokens;
    const sent = isDigest ? due : [first];
    channel.tokens -= 1;
    channel.sending = new Map(sent.map(({ id, version }) => [id, version]));
    const event = isDigest ? 'digest' : eventOf(channel, first);
    messages.push({ channel: channel.terms.name, message: { event, incidents: sent.map(incidentOf) } });
  }
  return { messages, next };
}

/** A channel has taken what it was sent, or not. Gives whether that is to be kept. */
export function told(
  telling: Telling,
  name: string,
  outcome: TellOutcome,
  { at, elapsed, seed }: { readonly at: Instant; readonly elapsed: Milliseconds; readonly seed: number },
): boolean {
  const channel = telling.channels.get(name);
  if (!channel?.sending) return false;
  const { sending } = channel;
  channel.sending = undefined;
  if (!outcome.ok) {
    // It was not told: that costs none of its messages.
    channel.tokens += 1;
    channel.failures += 1;
    channel.trouble = { since: channel.trouble?.since ?? at, why: outcome.why };
    const ceiling = Math.min(retryMsMax, retryMsBase * 2 ** Math.min(channel.failures - 1, 10));
    const delayMs = Math.max(outcome.retryAfterMs ?? 0, ceiling * (0.5 + fraction(seed) / 2));
    channel.notBefore = elapsed + Math.min(Math.ceil(delayMs), hour);
    return false;
  }
  for (const [id, version] of sending) {
    const incident = telling.incidents.get(id);
    if (incident) telling.incidents.set(id, { ...incident, told: { ...incident.told, [name]: version } });
  }
  Object.assign(channel, { failures: 0, notBefore: 0, trouble: undefined });
  return true;
}

/** What a channel has not been told as it stands, worst first. */
export function dueFor(telling: Telling, channel: Pick<Channel, 'terms'>, at: Instant): IncidentRecord[] {
  const due = [...telling.incidents.values()].filter(
    incident => isOwed(telling, channel, incident) && !isMuted(telling.mutes, incident, at),
  );
  return due.sort(compareSeverity);
}

/** Whether every channel has heard where it stands, as far as it is to now. */
export function isHeard(telling: Telling, incident: IncidentRecord, at: Instant): boolean {
  if (isMuted(telling.mutes, incident, at)) return true;
  for (const channel of telling.channels.values()) if (isOwed(telling, channel, incident)) return false;
  return true;
}

function isOwed({ since }: Telling, { terms }: Pick<Channel, 'terms'>, incident: IncidentRecord): boolean {
  const told = incident.told[terms.name];
  if (told === incident.version) return false;
  // An opening of which it has heard is told to its end.
  if (told !== undefined && told >= incident.openedAs) return true;
  if (terms.criticalOnly && incident.severity !== 'critical') return false;
  // What it never heard of, and was over before it was to be told of anything, is no news.
  return told !== undefined || incident.resolvedAt === null || incident.resolvedAt >= (since.get(terms.name) ?? 0);
}

/** Whether somebody asked not to be told of it. */
export function isMuted(mutes: readonly Mute[], { id, kind }: Pick<Incident, 'id' | 'kind'>, at: Instant): boolean {
  return mutes.some(({ pattern, until }) => until > at && (matchesText(pattern, id) || matchesText(pattern, kind)));
}

/** What of an incident is told and shown. */
export function incidentOf({
  clearSince: _,
  announced: __,
  openedAs: ___,
  told: ____,
  ...incident
}: IncidentRecord): Incident {
  return incident;
}

function eventOf({ terms }: Channel, { state, told, openedAs }: IncidentRecord): AlertMessage['event'] {
  if (state === 'resolved') return 'resolved';
  return (told[terms.name] ?? 0) < openedAs ? 'opened' : 'changed';
}

function refill(channel: Channel, { messagesPerHour }: Telling, elapsed: Milliseconds): void {
  const gained = ((elapsed - channel.countedAt) * messagesPerHour) / hour;
  channel.tokens = Math.min(Math.max(1, Math.min(burst, messagesPerHour)), channel.tokens + gained);
  channel.countedAt = elapsed;
}

function untilToken({ tokens }: Channel, { messagesPerHour }: Telling): Milliseconds {
  return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * hour) / messagesPerHour);
}
