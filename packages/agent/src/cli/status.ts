import { setTimeout as wait } from 'node:timers/promises';
import { readOfflineStatus } from '@authmesh/agent/io/offline-status';
import type { Status } from '@authmesh/agent/io/status-view';
import { second } from '@authmesh/shared/core/time';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { homeOption, openHome } from './home.ts';
import { problemsOf } from './status-problems.ts';
import { drawStatus } from './status-table.ts';

const watchIntervalMs = second;

export const statusCommand: Command = {
  name: 'status',
  summary: 'show the logins, where they are, and whether they work',
  options: [
    homeOption,
    { flags: '--watch', description: 'go on showing it; with --json a document a line, on every change' },
  ],
  example: 'authmesh-agent status',
  async run(context) {
    const { home, identity, settings } = await openHome(context);
    const read = () =>
      readStatus(home, () => readOfflineStatus({ home, identity, config: settings.config, places: settings.places }));
    if (context.flag('watch')) return watch(context, read);
    const { status, unreachable } = await read();
    if (unreachable) context.output.say(`authmesh-agent: ${operatorSentence(unreachable)} This is what is on disk.`);
    context.output.data(status, () => drawStatus(status, Date.now(), context.output.paint));
    if (unreachable) return exitCodes.unreachable;
    return problemsOf(status, Date.now()).length > 0 ? exitCodes.problem : exitCodes.ok;
  },
};

interface Reading {
  readonly status: Status;
  readonly unreachable?: AuthmeshError | undefined;
}

async function readStatus(home: string, offline: () => Promise<Status>): Promise<Reading> {
  try {
    // The daemon of the same package: its answer is of this type, or it says that it does not know the request.
    return { status: (await askControl({ home, request: { op: 'status' } })) as Status };
  } catch (error) {
    if (!(error instanceof AuthmeshError) || error.code !== 'ERR_DAEMON_UNREACHABLE') throw error;
    return { status: await offline(), unreachable: error };
  }
}

async function watch({ output }: CommandContext, read: () => Promise<Reading>): Promise<number> {
  let stopped = false;
  let exitCode: number = exitCodes.ok;
  let shown = '';
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopped = true;
      stop.abort();
    });
  }
  while (!stopped) {
    const { status, unreachable } = await read();
    exitCode = unreachable
      ? exitCodes.unreachable
      : problemsOf(status, Date.now()).length > 0
        ? exitCodes.problem
        : exitCodes.ok;
    const text = output.isJson ? JSON.stringify(status) : drawStatus(status, Date.now(), output.paint);
    const key = output.isJson ? withoutAges(status) : text;
    if (key !== shown) {
      shown = key;
      if (process.stdout.isTTY && !output.isJson) process.stdout.write(clearScreen);
      output.item(status, () => text);
    }
    await wait(watchIntervalMs, undefined, { signal: stop.signal }).catch(() => {});
  }
  return exitCode;
}

/** Clear the screen and go home (ECMA-48: ED, CUP). */
const clearScreen = '\u001b[2J\u001b[H';

/** What makes a new line of the stream: anything but the age of what is known. */
function withoutAges(status: Status): string {
  return JSON.stringify({ ...status, coordinator: { ...status.coordinator, seenAt: null } });
}
