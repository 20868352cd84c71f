import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from './host.ts';

/** OpenClaw's own store functions, kept warm in one process of a host. */
export interface OpenClaw {
  /** `models auth order set`: under OpenClaw's lock. */
  setOrder(provider: string, order: readonly string[]): Promise<void>;
  /** What a successful turn writes: under OpenClaw's lock. Absent where the release's code does not offer it. */
  readonly markUsed?: ((profileId: string) => Promise<void>) | undefined;
  /** What a login and `models auth paste-token` write: OpenClaw takes no lock for it. */
  upsert(profileId: string, credential: Readonly<Record<string, unknown>>, agentDir?: string): Promise<void>;
  stop(): Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string | undefined;
}

const program = fileURLToPath(new URL('./openclaw-code.ts', import.meta.url));

/** Starts the process in the host's own environment. */
export async function startOpenClaw(host: Host): Promise<OpenClaw> {
  const child = fork(program, [join(host.release.root, 'dist')], {
    env: { PATH: process.env.PATH, ...host.environment },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  const { canMark } = await ready(child, host.name);
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  let last = 0;
  const call = async (name: string, args: object): Promise<unknown> => {
    last += 1;
    const id = last;
    const reply = await new Promise<Reply>(resolve => {
      waiting.set(id, resolve);
      child.send({ id, call: name, args });
    });
    if (reply.error !== undefined) throw new Error(`OpenClaw on ${host.name} refused ${name}: ${reply.error}`);
    return reply.value;
  };
  return {
    setOrder: async (provider, order) => void (await call('order', { provider, order })),
    markUsed: canMark ? async profileId => void (await call('used', { profileId })) : undefined,
    upsert: async (profileId, credential, agentDir) => void (await call('upsert', { profileId, credential, agentDir })),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function ready(child: ChildProcess, name: string): Promise<{ readonly canMark: boolean }> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`OpenClaw's store code on ${name} ended with ${code}`);
  });
  const [said] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {});
  return said;
}
