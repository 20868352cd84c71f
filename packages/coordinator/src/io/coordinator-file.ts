import { alertTermsDefault } from '@authmesh/coordinator/core/alerts/alerts';
import { minute } from '@authmesh/shared/core/time';
import { alertChannels } from '@authmesh/shared/node/alerts/alert-channel';
import { profileFilter } from '@authmesh/shared/protocol/policy';
import { z } from 'zod';
import { halfOpenLimitsDefault } from './half-open.ts';

const url = z.string().regex(/^wss?:\/\/\S+$/, 'expected a URL that begins with ws:// or wss://');
const name = z.string().min(1).max(64);
const nodeNames = z.array(name).max(1_000);
const listenPattern = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]+)):(\d{1,5})$/;

const pool = z.strictObject({
  name: name.describe('What the pool is called.'),
  match: z.array(z.string().min(1).max(300)).min(1).describe('Patterns of the logins whose sessions share the limit.'),
  limit: z.number().int().min(1).max(10_000).describe('Most of its sessions that may come back at once.'),
  startsPerMinute: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Most of its sessions that may start in a minute.'),
  startsPerDay: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .describe('Most of its sessions that may start in 24 hours.'),
  settleSeconds: z
    .number()
    .min(0)
    .max(3_600)
    .default(20)
    .describe('How long a session takes until it counts as back, where nothing better says so.'),
  healthCommand: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe(
      'Ends 0 on a host once its sessions are back; runs only on hosts whose agent.json says `healthCommands: true`.',
    ),
});

/** `coordinator.json`: what an operator may say about one coordinator. */
export const coordinatorFile = z.strictObject({
  $schema: z.string().optional().describe('Address of the JSON Schema, for editors.'),
  listen: z
    .string()
    .refine(text => parseListen(text) !== undefined, 'expected HOST:PORT, an IPv6 address in brackets')
    .default('127.0.0.1:7420')
    .describe('Address to listen on, HOST:PORT; port 0 picks a free one.'),
  publicUrl: z
    .union([url, z.array(url).max(16)], { error: 'expected a URL that begins with ws:// or wss://, or a list of them' })
    .optional()
    .describe('How nodes reach this coordinator, one address or several; the listen address when it is left out.'),
  store: z
    .enum(['sqlite', 'memory'])
    .default('sqlite')
    .describe('Where records are kept: a file in the data folder, or nowhere.'),
  pools: z
    .array(pool)
    .max(200)
    .default([])
    .refine(pools => new Set(pools.map(({ name }) => name)).size === pools.length, 'two pools have the same name')
    .describe('Sessions that share a limit; the first pool that matches a login counts.'),
  alerts: alertChannels.default([]).describe('Whom to tell of trouble.').meta({ secret: true }),
  alerting: z
    .strictObject({
      messagesPerHour: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(alertTermsDefault.messagesPerHour)
        .describe('Most messages to one channel in an hour; beyond that what is new is told together.'),
      nodeSilentMinutes: z
        .number()
        .min(1)
        .max(100_000)
        .default(alertTermsDefault.nodeSilentMs / minute)
        .describe('How long a host may be away before that is told.'),
    })
    .prefault({})
    .describe('How alerts are told.'),
  heartbeatUrl: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .optional()
    .describe('An outside monitor that is called while the coordinator can do its job.')
    .meta({ secret: true }),
  heartbeatSeconds: z.number().min(1).max(86_400).default(60).describe('How often it is called.'),
  sync: z
    .strictObject({ profiles: profileFilter.prefault({}).describe('Which logins take part, in the whole fleet.') })
    .prefault({})
    .describe('What is kept in step.'),
  refresh: z
    .strictObject({
      prefer: z
        .union([nodeNames.transform(names => ({ '*': names })), z.record(z.string().min(1).max(300), nodeNames)], {
          error: 'expected a list of node names, or an object of such lists by patterns of logins',
        })
        .default({})
        .describe('Nodes that refresh logins where they can, in this order: a list, or lists by patterns of logins.'),
    })
    .prefault({})
    .describe('The refreshing of logins.'),
  retention: z
    .strictObject({
      auditDays: z.number().int().min(1).max(3_650).default(90).describe('How many days the audit trail reaches back.'),
      auditEntries: z
        .number()
        .int()
        .min(100)
        .max(10_000_000)
        .default(100_000)
        .describe('Most entries of the audit trail.'),
    })
    .prefault({})
    .describe('How long things are kept.'),
  halfOpenMax: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(halfOpenLimitsDefault.total)
    .describe('Most connections at a time that have proved nothing yet; others are told when to come again.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The quietest line that is logged.'),
});
export type CoordinatorFile = z.output<typeof coordinatorFile>;

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Host and port of `HOST:PORT` or `[IPV6]:PORT`; undefined when it is neither. */
export function parseListen(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = listenPattern.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}
