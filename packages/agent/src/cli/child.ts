import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { systemErrorCode, systemReason } from '@authmesh/shared/node/errors';

const passedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** How a command ended. */
export interface ChildEnd {
  /** Its exit status; 128 + n for a signal, 127 or 126 where it could not be run, as a shell has it. */
  readonly status: number;
  readonly wasRun: boolean;
}

/** Runs a command in this one's place: its input and output, its signals, its exit status. */
export function runChild(program: string, args: readonly string[]): Promise<ChildEnd> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals) => {
      // The terminal has told the command already.
      if (process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
      child.kill(signal);
    };
    for (const signal of passedSignals) process.on(signal, pass);
    const letGo = () => {
      for (const signal of passedSignals) process.off(signal, pass);
    };
    child.once('error', error => {
      letGo();
      process.stderr.write(`authmesh-agent: cannot run ${program}: ${systemReason(error)}.\n`);
      resolve({ status: systemErrorCode(error) === 'ENOENT' ? 127 : 126, wasRun: false });
    });
    child.once('exit', (code, signal) => {
      letGo();
      resolve({ status: signal === null ? (code ?? 0) : 128 + constants.signals[signal], wasRun: true });
    });
  });
}
