import { basename } from 'node:path';
import { findIncompleteProviders, knownProviders } from '@authmesh/agent/core/providers';
import { tools } from '@authmesh/agent/core/tools';
import { alertChannels } from '@authmesh/shared/node/alerts/alert-channel';
import { nodeName } from '@authmesh/shared/protocol/fields';
import { profileFilter } from '@authmesh/shared/protocol/policy';
import { z } from 'zod';
import { secretDeclarations } from './secret-declaration.ts';
import { toolFormats } from './tool-formats.ts';

const url = z.string().regex(/^wss?:\/\/\S+$/, 'expected a URL that begins with ws:// or wss://');
const pattern = z.string().min(1, 'expected a pattern').max(300);

const custodySetting = z.enum(['auto', 'vault', 'home', 'copy'], {
  error: 'expected "auto", "vault", "home" or "copy"',
});

const endpoint = z
  .string()
  .regex(
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])\S+$/,
    'expected a URL that begins with https:// (http:// on this host alone)',
  );
const provider = z.strictObject({
  tokenEndpoint: endpoint.optional().describe('Where refresh tokens are exchanged.'),
  clientId: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Of the client that the logins were made with; goes before the one that a login itself names.'),
  clientSecret: z.string().min(1).max(4_000).optional().describe('Where that client has one.').meta({ secret: true }),
  body: z.enum(['form', 'json']).optional().describe('How the request is written; RFC 6749 says "form".'),
  rotates: z.boolean().optional().describe('Whether a refresh token is good for one use.'),
  parameters: z
    .record(z.string().min(1).max(200), z.string().max(4_000))
    .optional()
    .describe('What the request says besides.'),
  expirySkewSeconds: z.number().min(0).max(86_400).optional().describe('Taken off the life that an answer says.'),
});

const toolName = z.enum(tools, { error: `expected ${tools.map(name => `"${name}"`).join(', ')}` });
const toolStore = z
  .strictObject({
    tool: toolName,
    file: z.string().min(1, 'expected a file').optional(),
    sharesLogins: z.boolean().default(false),
  })
  .superRefine(({ tool, file, sharesLogins }, { addIssue }) => {
    const { fileName, title, isAnonymous } = toolFormats[tool];
    if (sharesLogins && isAnonymous) {
      const message = `expected false: the file of ${title} does not say whose login it holds`;
      addIssue({ code: 'custom', path: ['sharesLogins'], message });
    }
    if (file === undefined || basename(file) === fileName) return;
    addIssue({ code: 'custom', path: ['file'], message: `expected the path of a file that is called ${fileName}` });
  });

/** `agent.json`: what an operator may say about one host. */
export const agentFile = z.strictObject({
  $schema: z.string().optional().describe('Address of the JSON Schema, for editors.'),
  name: nodeName.optional().describe('What this host is called in the fleet; the host name when it is left out.'),
  coordinator: z
    .array(url)
    .max(16)
    .default([])
    .describe('Addresses of the coordinators, tried in turn. `join` fills them in.'),
  openclaw: z
    .strictObject({
      stateDirs: z
        .array(z.string().min(1, 'expected a folder'))
        .min(1, 'expected at least one folder')
        .default(['~/.openclaw'])
        .describe(
          'State folders of OpenClaw on this host; `~` is the home folder. Default: $OPENCLAW_STATE_DIR, else ~/.openclaw.',
        ),
      agentDir: z
        .string()
        .min(1, 'expected a folder')
        .optional()
        .describe(
          'Folder of the main agent, where OpenClaw keeps it outside its state folder. Default: $OPENCLAW_AGENT_DIR.',
        ),
      command: z
        .string()
        .min(1, 'expected a command')
        .max(1_000)
        .default('openclaw')
        .describe('What starts OpenClaw’s command line; run by a shell.'),
      reload: z
        .enum(['auto', 'always', 'never'])
        .default('auto')
        .describe(
          'When a running gateway is told to read its logins anew (`openclaw secrets reload`) after a delivery: where its release needs it, always, or never.',
        ),
    })
    .prefault({})
    .describe('Where OpenClaw keeps what it knows.'),
  sync: z
    .strictObject({
      profiles: profileFilter.prefault({}).describe('Which logins of this host take part.'),
      create: z
        .array(pattern)
        .max(200)
        .default([])
        .describe('Logins of the fleet that are created here when this host lacks them.'),
      apiKeys: z
        .boolean()
        .default(false)
        .describe('Whether API keys are kept in step too, besides OAuth logins and tokens.'),
    })
    .prefault({})
    .describe('What is kept in step.'),
  stores: z
    .array(z.union([toolName.transform(tool => toolStore.parse({ tool })), toolStore]))
    .max(tools.length)
    .refine(stores => new Set(stores.map(({ tool }) => tool)).size === stores.length, 'expected each tool once')
    .default([])
    .describe(
      'Other tools of this host whose logins are kept in step too, by name, or as an object: `file` where it is not at its usual place, `sharesLogins` where its logins are OpenClaw’s accounts as well.',
    ),
  custody: z
    .union([custodySetting, z.record(z.string(), custodySetting)], {
      error: 'expected "auto", "vault", "home", "copy" or an object of patterns',
    })
    .default('auto')
    .describe(
      'Which stores hold the refresh token: "vault" none, "home" one host’s, "copy" all, "auto" as the provider needs it. One word, or one per pattern.',
    ),
  providers: z
    .record(z.string().min(1).max(200), provider)
    .superRefine((providers, { addIssue }) => {
      for (const name of findIncompleteProviders(knownProviders, providers)) {
        const message = 'expected the address at which a provider that authmesh does not know exchanges refresh tokens';
        addIssue({ code: 'custom', path: [name, 'tokenEndpoint'], message });
      }
    })
    .default({})
    .describe('How logins are refreshed at providers that authmesh does not know, or otherwise than it knows.'),
  refresh: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether this host may refresh logins for the fleet.'),
    })
    .prefault({})
    .describe('The refreshing of logins.'),
  sessions: z
    .record(z.string().min(1).max(200), z.number().int().min(1).max(10_000))
    .default({})
    .describe('How many sessions an OpenClaw agent of this host opens, by agent id; one where nothing is said.'),
  healthCommands: z
    .boolean()
    .default(false)
    .describe('Whether the health commands of the coordinator’s pools may run on this host.'),
  alerts: alertChannels
    .default([])
    .describe('Whom this host tells by itself when it has lost the coordinator for too long.')
    .meta({ secret: true }),
  coordinatorLostMinutes: z.number().min(0.01).max(100_000).default(15).describe('How long that is.'),
  secrets: secretDeclarations.default([]).describe('Secrets of this host that are compared with those of other hosts.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The quietest line that is logged.'),
});
export type AgentFile = z.output<typeof agentFile>;
