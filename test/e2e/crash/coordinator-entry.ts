import { createRunCommand } from '@authmesh/coordinator/cli/run';
import { runProgram } from '@authmesh/shared/node/command-line';
import { packageVersion } from '@authmesh/shared/node/version';
import { crashPoint } from './crash-point.ts';

// The real coordinator, told where to die.
await runProgram(
  {
    name: 'authmesh-coordinator',
    summary: '',
    version: packageVersion(),
    commands: [createRunCommand({ at: crashPoint() })],
  },
  process.argv.slice(2),
);
