import { runProgram } from '@authmesh/shared/node/command-line';
import { packageVersion } from '@authmesh/shared/node/version';
import { adoptCommand } from './adopt.ts';
import { ackCommand, alertsCommand, muteCommand } from './alerts.ts';
import { checkCommand } from './check.ts';
import { doctorCommand } from './doctor.ts';
import { driftCommand } from './drift.ts';
import { execCommand } from './exec.ts';
import { explainCommand } from './explain.ts';
import { inviteCommand } from './invite.ts';
import { joinCommand } from './join.ts';
import { leaveCommand } from './leave.ts';
import { linkCommand } from './link.ts';
import { loginCommand } from './login.ts';
import { moveHomeCommand } from './move-home.ts';
import { nodesCommand } from './nodes.ts';
import { planCommand } from './plan.ts';
import { refreshCommand } from './refresh.ts';
import { restoreCommand } from './restore.ts';
import { runCommand } from './run.ts';
import { secretPushCommand } from './secret-push.ts';
import { secretRotateCommand } from './secret-rotate.ts';
import { serviceCommands } from './service.ts';
import { statusCommand } from './status.ts';
import { validateCommand } from './validate.ts';

/** The agent's command line. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(
    {
      name: 'authmesh-agent',
      summary: 'Keeps the OAuth logins of this host’s OpenClaw in step with the fleet.',
      version: packageVersion(),
      commands: [
        joinCommand,
        runCommand,
        statusCommand,
        explainCommand,
        adoptCommand,
        inviteCommand,
        nodesCommand,
        linkCommand,
        restoreCommand,
        refreshCommand,
        loginCommand,
        moveHomeCommand,
        leaveCommand,
        execCommand,
        checkCommand,
        planCommand,
        doctorCommand,
        driftCommand,
        secretPushCommand,
        secretRotateCommand,
        alertsCommand,
        ackCommand,
        muteCommand,
        validateCommand,
        ...serviceCommands,
      ],
    },
    argv,
  );
}
