import { largestShare } from '@authmesh/agent/core/pool-share';
import { readDiskState } from '@authmesh/agent/io/disk-state';
import { checkRestart, type InLine, type RestartCheck } from '@authmesh/agent/io/restart-check';
import { hour, type Milliseconds, second } from '@authmesh/shared/core/time';
import { planWaves } from '@authmesh/shared/core/waves';
import type { Command, CommandContext } from '@authmesh/shared/node/command-line';
import { parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { type Output, table } from '@authmesh/shared/node/output';
import { applyJudgements, askSources } from './check-sources.ts';
import { homeOption, openHome, stateDirOption } from './home.ts';
import { repairHost } from './repair.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'say whether it is safe to start or restart what uses the stores of this host',
  options: [
    homeOption,
    stateDirOption,
    { flags: '--before-restart', description: 'what it is for, as in ExecStartPre=; it changes nothing' },
    { flags: '--repair', description: 'first fetch and write the freshest logins' },
    { flags: '--min-life <time>', description: 'how long a login has to live at least (default: 15m)' },
    { flags: '--timeout <time>', description: 'longest time that --repair may take (default: 30s)' },
  ],
  example: 'authmesh-agent check --before-restart --repair',
  async run(context) {
    const { output } = context;
    const say = (sentence: string) => output.say(`authmesh-agent: ${sentence}`);
    const lifeMsMin = durationOf(context, 'min-life', '15m');
    const timeoutMs = durationOf(context, 'timeout', '30s');
    if (timeoutMs > hour) {
      throw new AuthmeshError('ERR_USAGE', `--timeout is "${context.option('timeout')}"`, { hint: 'say 1h at most' });
    }
    const opened = await openHome(context);
    const inLine: InLine = context.flag('repair') ? await repairHost(opened, timeoutMs, say) : new Map();
    const sources = await askSources(opened);
    if (sources.caveat !== undefined) say(sources.caveat);
    const { home, identity, settings } = opened;
    const disk = await readDiskState({ home, identity, config: settings.config, places: settings.places });
    applyJudgements(disk.state, sources);
    for (const { store, profile, reason } of disk.skipped) say(`${profile} in ${store} is not judged: ${reason}.`);
    const found = checkRestart(disk, Date.now(), lifeMsMin, inLine);
    const pools = sources.overview?.pools ?? disk.state.overview?.body.pools ?? [];
    const { pool, sessions: needed, limit, settleMs } = largestShare(disk.state, pools);
    const wavesSeconds = planWaves(needed, limit, settleMs).totalMs / second;
    const check = { ...found, sessions: { pool, needed, limit, wavesSeconds } };
    output.data(check, () => drawCheck(check, output.paint));
    return found.safe ? exitCodes.ok : exitCodes.problem;
  },
};

function durationOf({ option }: CommandContext, name: string, fallback: string): Milliseconds {
  return parseDuration(`--${name}`, option(name) ?? fallback);
}

interface Check extends RestartCheck {
  readonly sessions: {
    readonly pool: string;
    readonly needed: number;
    readonly limit: number;
    readonly wavesSeconds: number;
  };
}

function drawCheck({ safe, profiles, sessions }: Check, paint: Output['paint']): string {
  const rows = profiles.map(({ state, profile, expiresAt, store, reason }) => [
    state,
    profile === '' ? '-' : profile,
    expiresAt ?? '-',
    store,
    reason,
  ]);
  const { pool, needed, limit, wavesSeconds } = sessions;
  return [
    ...(rows.length > 0 ? [table(['STATE', 'PROFILE', 'ENDS', 'STORE', 'WHY'], rows), ''] : []),
    safe
      ? paint('green', 'Safe to start.')
      : paint('red', 'Not safe to start: what is on disk would not carry a process that starts now.'),
    `${needed === 1 ? '1 session comes' : `${needed} sessions come`} back, pool ${pool} lets ${limit} at once: ${wavesSeconds} s in waves.`,
  ].join('\n');
}
