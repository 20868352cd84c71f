import type { Command } from '@authmesh/shared/node/command-line';
import { table } from '@authmesh/shared/node/output';
import { chooseAgentHome, homeOption, loadSettings } from './home.ts';

export const validateCommand: Command = {
  name: 'validate',
  summary: 'check the configuration',
  options: [homeOption, { flags: '--print', description: 'show each value and where it came from' }],
  example: 'authmesh-agent validate --print',
  async run(context) {
    const { file, origins } = await loadSettings(chooseAgentHome(context), context);
    const shown = context.flag('print') ? origins : [];
    context.output.data({ valid: true, file, values: shown }, () =>
      [
        `${file} is valid.`,
        ...(shown.length > 0
          ? [
              table(
                ['FIELD', 'VALUE', 'FROM'],
                shown.map(({ field, value, origin }) => [field, JSON.stringify(value), origin]),
              ),
            ]
          : []),
      ].join('\n\n'),
    );
    return 0;
  },
};
