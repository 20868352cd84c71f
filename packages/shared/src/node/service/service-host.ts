import { execFile } from 'node:child_process';
import { homedir, userInfo } from 'node:os';

/** How a command of the system ended; `status` null: it could not be started at all. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The part of the host that installing a service touches. */
export interface ServiceHost {
  readonly platform: string;
  readonly home: string;
  readonly user: { readonly id: number; readonly name: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly run: (program: string, args: readonly string[]) => Promise<CommandResult>;
}

/** This very host. A command gets half a minute. */
export function currentHost(): ServiceHost {
  const { uid, username } = userInfo();
  return {
    platform: process.platform,
    home: homedir(),
    user: { id: uid, name: username },
    environment: process.env,
    run: (program, args) =>
      new Promise(resolve => {
        execFile(program, args, { timeout: 30_000 }, (error, stdout, stderr) => {
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
          resolve({ status, stdout, stderr });
        });
      }),
  };
}
