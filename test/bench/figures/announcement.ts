import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type CrowdProcess, startCrowd } from '../crowd/crowd.ts';
import { makeMembers } from '../crowd/members.ts';
import type { Crowd } from '../crowd/orders.ts';
import { openPublisher } from '../crowd/publisher.ts';
import { type Bench, type BenchContext, type Figure, limitTarget, ratioTarget } from '../figure.ts';
import { startCoordinator } from '../fleet.ts';
import { startCompiled, startPrototype } from '../floor/servers.ts';
import type { Program } from '../program.ts';
import { monotonicMs, spread } from '../statistics.ts';

const rounds = 60;
const warmUpRounds = 5;

/** A server with its crowd: what `publish` says comes to every client. */
interface Stage {
  readonly server: Program;
  readonly crowd: CrowdProcess;
  readonly publish: (frameBytes: number) => void;
  readonly stop: () => Promise<void>;
}

/** One announcement to many attested agents: publish → the last one has it. */
export const announcement: Bench = {
  name: 'announcement',
  async run(context) {
    const figures: Figure[] = [];
    for (const size of context.isFull ? [1_000, 5_000] : [1_000]) figures.push(...(await measure(context, size)));
    return figures;
  },
};

async function measure(context: BenchContext, size: number): Promise<Figure[]> {
  const folder = join(context.folder, String(size));
  const stages: Stage[] = [await startProduct(context, folder, size), await startBare(folder, size)];
  const compiled = await startFloor(folder, size);
  if (compiled) stages.push(compiled);
  else context.say('no C compiler here: the floor in C is left out');
  try {
    let frameBytes = 0;
    const times: number[][] = stages.map(() => []);
    const cpu = stages.map(() => 0);
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const [index, { server, crowd, publish }] of stages.entries()) {
        const announced = crowd.announced();
        const cpuBefore = server.cpuMs();
        const begun = monotonicMs();
        publish(frameBytes);
        const report = await announced;
        if (index === 0) frameBytes = report.frameBytes;
        await delay(10);
        if (round < 0) continue;
        times[index]?.push(report.at - begun);
        cpu[index] = (cpu[index] ?? 0) + server.cpuMs() - cpuBefore;
      }
    }
    const [product = [], bare = [], floor] = times;
    const ours = spread(product);
    const bareSpread = spread(bare);
    const [cpuUs = 0, bareCpuUs = 0, floorCpuUs] = cpu.map(total => (total * 1_000) / rounds / size);
    const name = `announcement to ${size.toLocaleString('en')} agents`;
    const bareName = 'ws, one prepared frame';
    return [
      ...(floor
        ? [
            {
              name,
              unit: 'ms',
              ...ours,
              floor: { name: 'C, epoll and write()', ...spread(floor) },
              target: ratioTarget(ours.value, spread(floor).value, 1.3),
            },
          ]
        : []),
      { name, unit: 'ms', ...ours, floor: { name: bareName, ...bareSpread } },
      {
        name: `${name}: server CPU a recipient`,
        unit: 'µs',
        value: cpuUs,
        floor:
          floorCpuUs === undefined
            ? { name: bareName, value: bareCpuUs }
            : { name: 'C, epoll and write()', value: floorCpuUs },
        target: limitTarget(cpuUs, 16, 'µs'),
      },
    ];
  } finally {
    for (const stage of stages) await stage.stop();
  }
}

async function startProduct({ installation }: BenchContext, folder: string, size: number): Promise<Stage> {
  const { keys, fleet, coordinatorKey } = await makeMembers(join(folder, 'data'), size + 1, 1);
  const { program: server, url } = await startCoordinator(installation, folder);
  const [own, ...others] = keys;
  if (!own) throw new RangeError('nobody is left to publish');
  const publisher = await openPublisher({ url, key: own, fleet, coordinatorKey });
  const seeds = others.map(({ seed }) => Buffer.from(seed).toString('base64'));
  const crowd = await assemble({ url, until: 'synced', seeds, fleet, profiles: 0 });
  return {
    server,
    crowd,
    publish: () => publisher.publish(),
    async stop() {
      publisher.close();
      await crowd.stop();
      await server.stop();
    },
  };
}

async function startBare(folder: string, size: number): Promise<Stage> {
  const { program: server, url } = await startPrototype('broadcaster', folder);
  const crowd = await assemble(bareCrowd(url, size));
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return {
    server,
    crowd,
    publish: frameBytes => socket.send(Buffer.alloc(frameBytes)),
    async stop() {
      socket.terminate();
      await crowd.stop();
      await server.stop();
    },
  };
}

async function startFloor(folder: string, size: number): Promise<Stage | undefined> {
  const floor = await startCompiled(folder);
  if (!floor) return undefined;
  const { program: server, url } = floor;
  const crowd = await assemble(bareCrowd(url, size));
  const socket = connectTcp({ host: new URL(url).hostname, port: Number(new URL(url).port), noDelay: true });
  await once(socket, 'connect');
  return {
    server,
    crowd,
    publish(frameBytes) {
      // A websocket frame of a server, behind the length that this floor reads.
      const frame = Buffer.alloc(4 + 4 + frameBytes);
      frame.writeUInt32BE(4 + frameBytes, 0);
      frame.writeUInt16BE(0x827e, 4);
      frame.writeUInt16BE(frameBytes, 6);
      socket.write(frame);
    },
    async stop() {
      socket.destroy();
      await crowd.stop();
      await server.stop();
    },
  };
}

function bareCrowd(url: string, size: number): Crowd {
  return {
    url,
    until: 'opened',
    seeds: Array.from({ length: size }, () => Buffer.alloc(32, 1).toString('base64')),
    fleet: '',
    profiles: 0,
  };
}

async function assemble(crowd: Crowd): Promise<CrowdProcess> {
  const started = startCrowd();
  const { refused } = await started.connect(crowd);
  if (refused > 0) throw new Error(`${refused} clients were turned away by ${crowd.url}`);
  return started;
}
