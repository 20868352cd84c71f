import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Crowd, Order, Report } from './orders.ts';

type Of<Type extends Report['type']> = Extract<Report, { readonly type: Type }>;

/** Many clients in a process of their own, so that what they do is not on the server's account. */
export interface CrowdProcess {
  /** Connects all at once; resolves when each is where it was told to come, or was turned away. */
  readonly connect: (crowd: Crowd) => Promise<Of<'connected'>>;
  /** Resolves when all are there again after they were cut off: of a crowd that insists, before that. */
  readonly back: () => Promise<Of<'connected'>>;
  /** Resolves when each client has the next announcement. To be called before that is sent. */
  readonly announced: () => Promise<Of<'announced'>>;
  readonly disconnect: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const reportMsMax = 60_000;
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export function startCrowd(): CrowdProcess {
  const child = fork(fileURLToPath(new URL('crowd-process.ts', import.meta.url)), [], { execArgv: [] });
  living.add(child);
  const exited = once(child, 'exit').then(() => living.delete(child));

  function report<Type extends Report['type']>(type: Type): Promise<Of<Type>> {
    return new Promise((resolve, reject) => {
      const hear = (message: unknown) => {
        if ((message as Report).type === type) end(() => resolve(message as Of<Type>));
      };
      const end = (settle: () => void) => {
        clearTimeout(deadline);
        child.off('message', hear);
        settle();
      };
      const late = () => end(() => reject(new Error(`not every client was ${type} within ${reportMsMax} ms`)));
      const deadline = setTimeout(late, reportMsMax);
      child.on('message', hear);
    });
  }

  function order(what: Order): void {
    child.send(what);
  }

  return {
    connect(crowd) {
      const connected = report('connected');
      order({ type: 'connect', crowd });
      return connected;
    },
    back: () => report('connected'),
    announced: () => report('announced'),
    async disconnect() {
      const gone = report('disconnected');
      order({ type: 'disconnect' });
      await gone;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
