import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHost, type Host, renew } from './host.ts';
import { createLogin, day, type Login, profileId } from './login.ts';
import { type Judgement, judge, startService } from './service.ts';
import { startSessions } from './sessions.ts';

/** What the service of the demo takes at once, and what the pool says of it. */
export const sessionLimit = 4;
/** Agents of the host that is locked out. */
export const agentCount = 15;

const backMs = 40_000;

/** What an operator says of the service's limit, before the coordinator starts. */
export async function writePools(home: string): Promise<void> {
  const dataDir = join(home, '.authmesh-coordinator');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const pools = [{ name: 'techsfree-web', match: ['openai*'], limit: sessionLimit, settleSeconds: 5 }];
  await writeFile(join(dataDir, 'coordinator.json'), JSON.stringify({ pools }), { mode: 0o600 });
}

/** The outage as it was: an operator's script copies live tokens into all stores, and all agents come back together. */
export async function returnByHand(folder: string, lost: Login): Promise<Judgement> {
  const host = await createHost(folder, 'by-hand', agentCount, lost, Date.now());
  const live = createLogin(day);
  const judged = await watchReturn(host, live, () => renew(host, live));
  const expected = agentCount - sessionLimit;
  if (judged.refused !== expected || judged.started !== sessionLimit) {
    throw new Error(`without authmesh the service refused ${judged.refused} sessions, not ${expected}`);
  }
  return judged;
}

/** The same agents, with `heal` to bring the live login to their stores. */
export async function returnInWaves(host: Host, live: Login, heal: () => Promise<unknown>): Promise<Judgement> {
  const judged = await watchReturn(host, live, heal);
  const { refused, mostAtOnce, mostAsked, started } = judged;
  if (refused > 0 || mostAtOnce > sessionLimit || mostAsked > sessionLimit || started !== agentCount) {
    throw new Error(
      `with authmesh the service let ${started} in, refused ${refused} and was asked by ${mostAsked} at once`,
    );
  }
  return judged;
}

/** The agents of a host look at their stores, and the service that they come back to logs what it sees of them. */
async function watchReturn(host: Host, live: Login, heal: () => Promise<unknown>): Promise<Judgement> {
  const service = await startService(sessionLimit, token => token === live.access);
  const sessions = startSessions(host.stores, profileId, service.url);
  const timer = setTimeout(sessions.stop, backMs);
  try {
    const begunAt = Date.now();
    await heal();
    await sessions.answered;
    return judge(service.log, begunAt);
  } finally {
    clearTimeout(timer);
    sessions.stop();
    await service.close();
  }
}
