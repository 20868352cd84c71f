import type { Command, CommandContext, CommandOption } from './command-line.ts';
import type { ConfigurationOrigin } from './configuration.ts';
import { exitCodes } from './exit-codes.ts';
import { table } from './output.ts';

/** What a program says of its configuration. */
export interface ValidatedProgram {
  readonly name: string;
  readonly options: readonly CommandOption[];
  /** Throws `ERR_CONFIGURATION` when it is not valid. */
  readonly load: (context: CommandContext) => Promise<{
    readonly file: string;
    readonly origins: readonly ConfigurationOrigin[];
    /** What is valid and may not be meant. */
    readonly warnings?: readonly string[] | undefined;
  }>;
}

/** `validate`: checks the configuration; `--print` shows each value and where it came from. */
export function createValidateCommand({ name, options, load }: ValidatedProgram): Command {
  return {
    name: 'validate',
    summary: 'check the configuration',
    options: [...options, { flags: '--print', description: 'show each value and where it came from' }],
    example: `${name} validate --print`,
    async run(context) {
      const { file, origins, warnings = [] } = await load(context);
      const values = context.flag('print') ? origins : [];
      for (const warning of warnings) context.output.say(`${name}: ${warning}`);
      context.output.data({ valid: true, file, values, warnings }, () => {
        const rows = values.map(({ field, value, origin }) => [field, JSON.stringify(value), origin]);
        return rows.length === 0
          ? `${file} is valid.`
          : `${file} is valid.\n\n${table(['FIELD', 'VALUE', 'FROM'], rows)}`;
      });
      return exitCodes.ok;
    },
  };
}
