import { readDiskState } from '@authmesh/agent/io/disk-state';
import { overweightSentence, overweightStores } from '@authmesh/agent/io/overweight';
import { adviseLimit } from '@authmesh/shared/core/limit-advice';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { planWaves } from '@authmesh/shared/core/waves';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { table } from '@authmesh/shared/node/output';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { homeOption, openHome } from './home.ts';
import { findPool, readPools } from './pool-source.ts';

/** As many as one claim may ask for. */
const sessionsMax = 10_000;
/** As a pool has it that says nothing else. */
const settleMsDefault: Milliseconds = 20 * second;

export const planCommand: Command = {
  name: 'plan',
  summary: 'show in which waves sessions come back under a limit, and how long that takes',
  options: [
    homeOption,
    { flags: '--pool <name>', description: 'take limit and settle time from this pool of the coordinator' },
    { flags: '--sessions <n>', description: 'how many sessions come back' },
    { flags: '--limit <n>', description: 'how many of them may come back at once' },
    { flags: '--settle <time>', description: 'how long one takes until it counts as back (default: 20s)' },
  ],
  example: 'authmesh-agent plan --sessions 15 --limit 4 --settle 20s',
  async run(context) {
    const sessions = countOf(context, 'sessions');
    if (sessions === undefined) {
      throw new AuthmeshError('ERR_USAGE', 'it is not said how many sessions come back', { hint: 'say --sessions 15' });
    }
    const { limit, settleMs, observed } = await termsOf(context);
    const { waves, totalMs } = planWaves(sessions, limit, settleMs);
    const advice = adviseLimit(sessions, settleMs, observed);
    const plan = { waves, seconds: totalMs / second, recommendedLimit: advice.limit, why: advice.why };
    context.output.data(plan, () => drawPlan(plan, settleMs));
    return 0;
  },
};

interface Terms {
  readonly limit: number;
  readonly settleMs: Milliseconds;
  /** What was seen of the pool in use. */
  readonly observed?: PoolView['observed'];
}

/** What is said on the command line counts before what the pool says. */
async function termsOf(context: CommandContext): Promise<Terms> {
  const limit = countOf(context, 'limit');
  const settle = context.option('settle');
  const settleMs = settle === undefined ? undefined : parseDuration('--settle', settle);
  const name = context.option('pool');
  if (name === undefined) {
    if (limit !== undefined) return { limit, settleMs: settleMs ?? settleMsDefault };
    throw new AuthmeshError('ERR_USAGE', 'it is not said how many sessions may come back at once', {
      hint: 'say --limit 4, or --pool with the name of a pool',
    });
  }
  const opened = await openHome(context);
  const { pools, caveat } = await readPools(opened);
  const pool = findPool(pools, name);
  if (caveat !== undefined) context.output.say(`authmesh-agent: ${caveat}`);
  const { home, identity, settings } = opened;
  const { state } = await readDiskState({ home, identity, config: settings.config, places: settings.places });
  // What one store wakes at once comes in no waves.
  for (const store of overweightStores(state, pools)) {
    if (store.pool === name) context.output.say(`authmesh-agent: ${overweightSentence(store)}: ${store.mend}.`);
  }
  return { limit: limit ?? pool.limit, settleMs: settleMs ?? pool.settleMs, observed: pool.observed };
}

function countOf({ option }: CommandContext, name: string): number | undefined {
  const text = option(name);
  if (text === undefined) return undefined;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= sessionsMax) return count;
  throw new AuthmeshError('ERR_USAGE', `--${name} is "${text}"`, {
    hint: `write a whole number from 1 to ${sessionsMax}`,
  });
}

interface Plan {
  readonly waves: readonly number[];
  readonly seconds: number;
  readonly recommendedLimit: number;
  readonly why: string;
}

/** Waves above this number are as the last ones are. */
const rowsMax = 40;

function drawPlan({ waves, seconds, recommendedLimit, why }: Plan, settleMs: Milliseconds): string {
  let back = 0;
  const rows = waves.map((size, index) => {
    back += size;
    return [`${index + 1}`, `${size}`, `${back}`, `${((index + 1) * settleMs) / second} s`];
  });
  const left = rows.length - rowsMax;
  return [
    table(['WAVE', 'SESSIONS', 'BACK', 'AFTER'], rows.slice(0, rowsMax)),
    ...(left > 0 ? [`and ${left} more like the last`] : []),
    '',
    `All are back after ${seconds} s.`,
    `Recommended limit: ${recommendedLimit} (${why}).`,
  ].join('\n');
}
