import { createRunCommand } from '@authmesh/agent/cli/run';
import { runProgram } from '@authmesh/shared/node/command-line';
import { packageVersion } from '@authmesh/shared/node/version';
import { crashPoint } from './crash-point.ts';

// The real daemon, told where to die.
await runProgram(
  {
    name: 'authmesh-agent',
    summary: '',
    version: packageVersion(),
    commands: [createRunCommand({ at: crashPoint() })],
  },
  process.argv.slice(2),
);
