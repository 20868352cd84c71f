import type { TellOutcome } from '@authmesh/shared/core/alerts/incident';
import type { Told } from '@authmesh/shared/core/alerts/telling';
import { type AlertChannel, channelName } from './alert-channel.ts';
import { type AlertSender, createAlertSender } from './alert-sender.ts';

/** The channels of the configuration, as what tells them names them. */
export interface Alerting {
  readonly configure: (channels: readonly AlertChannel[]) => void;
  /** Sends a message; its end is told. */
  readonly tell: (told: Told) => void;
}

/** Senders for the channels; `onEnd` is told whether each took what it was sent. */
export function createAlerting(
  channels: readonly AlertChannel[],
  onEnd: (channel: string, outcome: TellOutcome) => void,
): Alerting {
  let senders = sendersOf(channels, new Map());
  return {
    configure(changed) {
      senders = sendersOf(changed, senders);
    },
    tell({ channel, message }) {
      const sender = senders.get(channel);
      const sent = sender?.send(message) ?? Promise.resolve<TellOutcome>({ ok: false, why: 'it is not configured' });
      const failed = (): TellOutcome => ({ ok: false, why: 'it could not be sent' });
      void sent.catch(failed).then(outcome => onEnd(channel, outcome));
    },
  };
}

type Senders = ReadonlyMap<string, { readonly channel: AlertChannel; readonly send: AlertSender }>;

/** One that did not change goes on: it knows its threads. */
function sendersOf(channels: readonly AlertChannel[], before: Senders): Senders {
  return new Map(
    channels.map(channel => {
      const name = channelName(channel);
      const known = before.get(name);
      const isSame = known !== undefined && JSON.stringify(known.channel) === JSON.stringify(channel);
      return [name, isSame ? known : { channel, send: createAlertSender(channel) }];
    }),
  );
}
