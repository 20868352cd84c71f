import { z } from 'zod';

/*
 * Where alerts go, as `coordinator.json` and `agent.json` say it. Addresses of receivers are secrets: whoever knows one can
 * write there.
 */

const url = z
  .string()
  .max(2_000)
  .refine(text => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'expected an http or https URL');
const text = z.string().min(1).max(2_000);

const common = {
  name: z.string().min(1).max(64).optional().describe('What the channel is called; its kind, where nothing is said.'),
  severity: z
    .enum(['warning', 'critical'])
    .default('warning')
    .describe('The least that is told: "critical" leaves warnings out.'),
};

const slack = z.strictObject({
  kind: z.literal('slack'),
  ...common,
  url: url.optional().describe('An incoming webhook. Without one, "token" and "channel" are needed.'),
  token: text.optional().describe('A bot’s token, for messages of one incident in one thread.'),
  channel: text.optional().describe('Where the bot writes, by id or name.'),
  api: url.default('https://slack.com/api').describe('Where the bot’s API is.'),
});
const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  url: url.describe('Each message is posted there as JSON.'),
  headers: z
    .record(z.string().regex(/^[\w-]+$/), text)
    .default({})
    .describe('Sent along, to prove who it is.'),
});
const ntfy = z.strictObject({
  kind: z.literal('ntfy'),
  ...common,
  url: url.describe('The topic, as https://ntfy.sh/TOPIC.'),
  token: text.optional().describe('An access token, where the topic asks for one.'),
});
const command = z.strictObject({
  kind: z.literal('command'),
  ...common,
  command: z
    .array(text)
    .min(1, 'expected a program')
    .max(100)
    .describe('A program and its arguments; each message is its input, as JSON.'),
  timeoutSeconds: z.number().min(1).max(120).default(10).describe('How long it may take.'),
});

const channel = z.discriminatedUnion('kind', [slack, webhook, ntfy, command]).superRefine((one, { addIssue }) => {
  if (one.kind !== 'slack' || one.url !== undefined) return;
  const field = one.token === undefined ? 'url' : 'channel';
  if (one.token === undefined || one.channel === undefined)
    addIssue({ code: 'custom', path: [field], message: 'expected "url", or "token" and "channel"' });
});

/** `alerts` of both files. */
export const alertChannels = z
  .array(channel)
  .max(20)
  .superRefine((channels, { addIssue }) => {
    const known = new Set<string>();
    for (const [index, one] of channels.entries()) {
      const name = channelName(one);
      if (known.has(name)) {
        const message = `expected a "name" of its own: there are two channels called "${name}"`;
        addIssue({ code: 'custom', path: [index, 'name'], message });
      }
      known.add(name);
    }
  })
  .meta({ secret: true });

export type AlertChannel = z.output<typeof channel>;

/** What a channel is called where it is spoken of. */
export function channelName({ name, kind }: Pick<AlertChannel, 'name' | 'kind'>): string {
  return name ?? kind;
}
