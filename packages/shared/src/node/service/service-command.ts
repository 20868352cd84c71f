import { realpath } from 'node:fs/promises';
import type { Command, CommandContext, CommandOption } from '../command-line.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ServiceReport } from './service.ts';
import type { ServiceDescription } from './service-description.ts';

/** What a program says of itself to become a service. */
export interface ServiceProgram {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CommandOption[];
  /** The arguments with which the service runs the program: absolute paths only. */
  readonly describe: (
    context: CommandContext,
  ) => Pick<ServiceDescription, 'before' | 'after'> & { readonly runArguments: readonly string[] };
  /** What is to be known, asked or done before the service of this host goes. */
  readonly farewell?:
    | {
        readonly options: readonly CommandOption[];
        /** Fields of the result, beside the report; undefined: it stays. */
        readonly say: (context: CommandContext) => Promise<object | undefined>;
      }
    | undefined;
}

/** `service install`, `service uninstall` and `service status` of a program. */
export function createServiceCommands(program: ServiceProgram): readonly Command[] {
  const command = (verb: 'install' | 'uninstall' | 'status', summary: string): Command => ({
    name: `service ${verb}`,
    summary,
    options: [...program.options, ...(verb === 'uninstall' ? (program.farewell?.options ?? []) : [])],
    example: `${program.name} service ${verb}`,
    async run(context) {
      // Loaded when it is asked for: the daemons, which never do, start sooner without a library for property lists.
      const { serviceManager } = await import('./service.ts');
      const manager = serviceManager(await describe(program, context));
      // What is not there takes nothing along.
      const isFarewell = verb === 'uninstall' && program.farewell && (await manager.status()).status.installed;
      const said = isFarewell ? await program.farewell?.say(context) : {};
      if (!said) return exitCodes.problem;
      const report = await manager[verb]();
      context.output.data({ ...report, ...said }, () => draw(report, verb));
      return verb === 'status' && report.status.active !== true ? exitCodes.problem : exitCodes.ok;
    },
  });
  return [
    command('install', 'run it whenever this user’s session or this host is up (systemd user unit or launchd agent)'),
    command('uninstall', 'stop that again'),
    command('status', 'say whether it is installed and running'),
  ];
}

async function describe(
  { name, summary, describe: details }: ServiceProgram,
  context: CommandContext,
): Promise<ServiceDescription> {
  const { runArguments, before, after } = details(context);
  // The script itself, not the link to it: a service has no PATH to speak of.
  const script = await realpath(process.argv[1] ?? name);
  return { name, summary, command: [process.execPath, script, 'run', ...runArguments], environment: {}, before, after };
}

function draw({ status, done, todo }: ServiceReport, verb: string): string {
  const state = `${status.file}: ${status.installed ? 'installed' : 'not installed'}, ${say(status.enabled, 'starts by itself', 'does not start by itself', 'nobody to ask whether it starts by itself')}, ${say(status.active, 'running', 'not running', 'nor whether it runs')}.`;
  const steps = todo.length > 0 ? ['Left for you:', ...todo.map(line => `  ${line}`)] : [];
  return [...(verb === 'status' ? [] : done), state, ...steps].join('\n');
}

function say(value: boolean | null, yes: string, no: string, unknown: string): string {
  if (value === null) return unknown;
  return value ? yes : no;
}
