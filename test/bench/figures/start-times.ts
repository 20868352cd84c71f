import { type Bench, limitTarget } from '../figure.ts';
import { startAgent, startCoordinator, startFleet } from '../fleet.ts';
import { createLoginStore } from '../login-store.ts';
import { runToEnd } from '../program.ts';
import { monotonicMs, spread } from '../statistics.ts';

const rounds = 15;

/** `run` until it listens, `run` until it is in step with the coordinator. */
export const startTimes: Bench = {
  name: 'start-times',
  async run({ installation, folder }) {
    const fleet = await startFleet(installation, folder, [{ stores: [createLoginStore().text()] }]);
    const [host] = fleet.hosts;
    if (!host) throw new RangeError('the fleet has no host');
    await host.agent.stop();
    const [listening, online, bare]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      let begun = monotonicMs();
      const { program } = await startCoordinator(installation, `${folder}/second`);
      listening.push(monotonicMs() - begun);
      await program.stop();
      begun = monotonicMs();
      const agent = await startAgent(installation, host.home);
      online.push(monotonicMs() - begun);
      await agent.stop();
      begun = monotonicMs();
      await runToEnd(process.execPath, ['--eval', '0'], folder);
      bare.push(monotonicMs() - begun);
    }
    await fleet.stop();
    const floor = { name: 'node --eval 0', ...spread(bare) };
    return [
      {
        name: 'coordinator: run → listening',
        unit: 'ms',
        ...spread(listening),
        floor,
        target: limitTarget(spread(listening).value, 300, 'ms'),
      },
      {
        name: 'agent: run → online',
        unit: 'ms',
        ...spread(online),
        floor,
        target: limitTarget(spread(online).value, 500, 'ms'),
      },
    ];
  },
};
