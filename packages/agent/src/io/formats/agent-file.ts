import { basename } from 'node:path';
import { tools } from '@authmesh/agent/core/tools';
import { nodeName } from '@authmesh/shared/protocol/fields';
import { profileFilter } from '@authmesh/shared/protocol/policy';
import { z } from 'zod';
import { toolFormats } from './tool-formats.ts';

const url = z.string().regex(/^wss?:\/\/\S+$/, 'expected a URL that begins with ws:// or wss://');
const pattern = z.string().min(1, 'expected a pattern').max(300);

const custodySetting = z.enum(['auto', 'home', 'copy'], {
  error: issue =>
    issue.input === 'vault'
      ? 'expected "auto", "home" or "copy": custody "vault" needs a version of authmesh that refreshes logins itself'
      : 'expected "auto", "home" or "copy"',
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
      error: 'expected "auto", "home", "copy" or an object of patterns',
    })
    .default('auto')
    .describe(
      'Which hosts hold the refresh token: "home" one, "copy" all, "auto" as the provider needs it. One word, or one per pattern.',
    ),
  sessions: z
    .record(z.string().min(1).max(200), z.number().int().min(1).max(10_000))
    .default({})
    .describe('How many sessions an OpenClaw agent of this host opens, by agent id; one where nothing is said.'),
  healthCommands: z
    .boolean()
    .default(false)
    .describe('Whether the health commands of the coordinator’s pools may run on this host.'),
  secrets: z
    .array(z.union([z.string(), z.looseObject({ name: z.string() })]))
    .default([])
    .describe('Secrets of this host that are compared with those of other hosts.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The quietest line that is logged.'),
});
export type AgentFile = z.output<typeof agentFile>;
