import { constants } from 'node:os';
import { day, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { runChild } from './child.ts';
import type { ClaimReply } from './control.ts';
import { homeOption, openHome } from './home.ts';
import { type StartedClaim, startUnderPermits } from './permit-wait.ts';

/** What the coordinator believes of a claim. */
const settleMsMax: Milliseconds = day;

export const execCommand: Command = {
  name: 'exec',
  summary: 'run a command that starts sessions when their pool has room for them',
  arguments: '<command...>',
  options: [
    homeOption,
    { flags: '--pool <name>', description: 'the pool of coordinator.json whose limit the sessions share' },
    { flags: '--sessions <n>', description: 'how many sessions the command starts (default 1)' },
    { flags: '--settle <time>', description: 'how long they take to come back (default: the pool’s settle time)' },
    { flags: '--timeout <time>', description: 'how long to wait for the permits (default: for ever)' },
  ],
  example: 'authmesh-agent exec --pool techsfree-web --sessions 4 -- openclaw gateway restart',
  async run(context) {
    const request = requestOf(context);
    const { home } = await openHome(context);
    const interrupted = new AbortController();
    let signal: NodeJS.Signals | undefined;
    const interrupt = (name: NodeJS.Signals) => {
      signal = name;
      interrupted.abort();
    };
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt);
    const started = await startUnderPermits({
      ...request,
      home,
      signal: interrupted.signal,
      onUnsaid: sessions => tellUnsaid(context, request, sessions),
      onWait: state => tellWait(context, request.pool, state),
    });
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt);
    if (!started) return 128 + (constants.signals[signal ?? 'SIGINT'] ?? 0);
    if (started.held > 0) tellHeld(context, request.pool, started.held);
    const [program = '', ...rest] = context.arguments;
    return runUnderPermits(program, rest, started);
  },
};

function requestOf(context: CommandContext) {
  const pool = context.option('pool');
  if (pool === undefined) {
    throw new AuthmeshError('ERR_USAGE', 'it is not said whose limit counts', { hint: 'name a pool with --pool' });
  }
  const sessions = Number(context.option('sessions') ?? '1');
  if (!Number.isInteger(sessions) || sessions < 1 || sessions > 10_000) {
    throw new AuthmeshError('ERR_USAGE', `--sessions is "${context.option('sessions')}"`, {
      hint: 'write a whole number from 1 on',
    });
  }
  const lengthOf = (name: string) => {
    const text = context.option(name);
    return text === undefined ? undefined : parseDuration(`--${name}`, text);
  };
  const settleMs = lengthOf('settle');
  if (settleMs !== undefined && settleMs > settleMsMax) {
    throw new AuthmeshError('ERR_USAGE', `--settle is "${context.option('settle')}"`, { hint: 'a day at most' });
  }
  return { pool, sessions, settleMs, timeoutMs: lengthOf('timeout') };
}

/** On stderr: what the command prints itself stays alone on stdout. */
function tellWait({ output }: CommandContext, pool: string, { place, etaMs, why }: ClaimReply): void {
  const etaSeconds = etaMs === undefined ? null : Math.ceil(etaMs / second);
  if (output.isJson) {
    output.say(JSON.stringify({ event: 'waiting', pool, place: place ?? null, etaSeconds, why: why ?? null }));
    return;
  }
  const where = place === undefined ? '' : ` at place ${place}, about ${etaSeconds} s`;
  output.say(`authmesh-agent: waiting for pool ${pool}${where}${why === undefined ? '' : `: ${why}`}.`);
}

/** Whoever forgets to say it would bring all of them back at once. */
function tellUnsaid({ output }: CommandContext, { pool, sessions }: { pool: string; sessions: number }, all: number) {
  if (output.isJson) return output.say(JSON.stringify({ event: 'unsaid', pool, sessions, agents: all }));
  output.say(
    `authmesh-agent: agents of this host have ${all} sessions in pool ${pool}, and --sessions says ${sessions}: if the command starts them all, say --sessions ${all}.`,
  );
}

function tellHeld({ output }: CommandContext, pool: string, held: number): void {
  if (output.isJson) return output.say(JSON.stringify({ event: 'held', pool, agents: held }));
  const agents = held === 1 ? '1 agent is' : `${held} agents are`;
  output.say(`authmesh-agent: ${agents} held back, and come back as pool ${pool} has room (authmesh-agent status).`);
}

/** Runs the command under its permits, which settle or are given back as it ends. */
async function runUnderPermits(program: string, args: readonly string[], { ran, end }: StartedClaim): Promise<number> {
  const { status, wasRun } = await runChild(program, args);
  // One that ended well has started its sessions: they settle by themselves.
  if (status === 0) await ran();
  else if (wasRun) await end('failed', `the command ended with status ${status}`);
  else await end('unused', 'the command could not be run');
  return status;
}
