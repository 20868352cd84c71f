import { runProgram } from '@authmesh/shared/node/command-line';
import { packageVersion } from '@authmesh/shared/node/version';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { codeCommand } from './code.ts';
import { runCommand } from './run.ts';
import { serviceCommands } from './service.ts';
import { statusCommand } from './status.ts';
import { validateCommand } from './validate.ts';

/** The coordinator's command line. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(
    {
      name: 'authmesh-coordinator',
      summary:
        'Decides which copy of a login is the freshest and gets it to every host, without being able to read it.',
      version: packageVersion(),
      commands: [
        runCommand,
        codeCommand,
        statusCommand,
        validateCommand,
        backupCommand,
        auditCommand,
        ...serviceCommands,
      ],
    },
    argv,
  );
}
