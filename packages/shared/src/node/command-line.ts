import { Command as CommanderCommand, CommanderError } from 'commander';
import { exitCodeOf, operatorSentence } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';

/** What one invocation of a command was given. */
export interface CommandContext {
  readonly arguments: readonly string[];
  /** The value of `--name VALUE`; undefined when it was not given. */
  readonly option: (name: string) => string | undefined;
  /** The values of a repeatable option. */
  readonly options: (name: string) => readonly string[];
  readonly flag: (name: string) => boolean;
  readonly output: Output;
}

export interface CommandOption {
  /** In commander's form: `--name VALUE`, `--flag`. */
  readonly flags: string;
  readonly description: string;
  readonly repeatable?: boolean | undefined;
}

/** One command of a program; a command has a file of its own. */
export interface Command {
  /** One word, or two for a command of a group: `service install`. */
  readonly name: string;
  readonly summary: string;
  /** In commander's form: `<code>`, `[profile...]`. */
  readonly arguments?: string | undefined;
  readonly options: readonly CommandOption[];
  readonly example: string;
  /** Resolves with the exit status. */
  readonly run: (context: CommandContext) => Promise<number>;
}

export interface Program {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  readonly commands: readonly Command[];
}

const jsonOption: CommandOption = { flags: '--json', description: 'print JSON on stdout' };

/** Runs the command that `argv` names and sets the exit status; the process ends when nothing keeps it. */
export async function runProgram(program: Program, argv: readonly string[]): Promise<void> {
  const root = new CommanderCommand(program.name)
    .description(program.summary)
    .version(program.version, '--version', 'print the version')
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const command of program.commands) addCommand(root, command);
  if (argv.length === 0) {
    root.outputHelp({ error: true });
    process.exitCode = exitCodes.usage;
    return;
  }
  try {
    await root.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, program.name);
  }
}

function addCommand(root: CommanderCommand, command: Command): void {
  const words = command.name.split(' ');
  const last = words.pop() ?? command.name;
  const parent = words.reduce((group, word) => groupOf(group, word), root);
  const made = parent
    .command(command.arguments === undefined ? last : `${last} ${command.arguments}`)
    .description(command.summary)
    .helpOption('--help', 'show help')
    .addHelpText('after', `\nExample:\n  $ ${command.example}`);
  for (const { flags, description, repeatable } of [...command.options, jsonOption]) {
    if (repeatable) made.option(flags, description, (value: string, before: string[]) => [...before, value], []);
    else made.option(flags, description);
  }
  if (parent !== root) parent.description(parent.commands.map(one => one.name()).join(', '));
  made.action(async () => {
    process.exitCode = await command.run(contextOf(made));
  });
}

function groupOf(parent: CommanderCommand, name: string): CommanderCommand {
  const known = parent.commands.find(command => command.name() === name);
  return known ?? parent.command(name).helpOption('--help', 'show help').helpCommand(false);
}

function contextOf(command: CommanderCommand): CommandContext {
  const values: Record<string, unknown> = command.opts();
  const given = (name: string) => values[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  return {
    arguments: command.args,
    option: name => {
      const value = given(name);
      return typeof value === 'string' ? value : undefined;
    },
    options: name => {
      const value = given(name);
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: name => given(name) === true,
    output: createOutput(given('json') === true),
  };
}

/** Commander's words in one line, without the join code that may be among the arguments it repeats. */
function usageSentence(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/(but got \d+): .*$/, '$1')
    .replace(/\bauthmesh\d[\w-]+/g, 'authmesh…')
    .replace(/[. ]+$/, '');
}

/** Says what was wrong in one sentence and gives the exit status for it. */
function report(error: unknown, program: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok;
    process.stderr.write(`${program}: ${usageSentence(error.message)}. See \`${program} --help\`.\n`);
    return exitCodes.usage;
  }
  process.stderr.write(`${program}: ${operatorSentence(error)}\n`);
  return exitCodeOf(error);
}
