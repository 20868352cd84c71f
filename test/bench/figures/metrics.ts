import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import { createMetrics } from '@authmesh/coordinator/io/metrics';
import { createTagger } from '@authmesh/shared/node/log-fields';
import { type Bench, type Figure, limitTarget } from '../figure.ts';
import { joinedAt as start } from '../roster.ts';
import { spread } from '../statistics.ts';
import { largeFleet, nodes, secrets } from './secret-drift.ts';

const rounds = 20;

/** What it costs to be asked for the metrics of a large fleet, and to look at everything that may be wrong in it. */
export const metrics: Bench = {
  name: 'metrics',
  async run() {
    let state = createCoordinatorState(largeFleet());
    const tell = (at: number, event: Parameters<typeof transition>[1]['event']) => {
      const passed = at - start;
      state = transition(state, { at, elapsed: passed, awake: passed, seed: 1, event }).state;
    };
    tell(start, { type: 'started' });
    const counters = {
      ...{ links: nodes, halfOpen: 0, halfOpenPeak: 0, linksTotal: nodes, turnedAwayTotal: 0, framesReceivedTotal: 0 },
      ...{ bytesReceivedTotal: 0, messagesSentTotal: 0, announcementsTotal: 0, deliveriesTotal: 0, closedTotal: {} },
    };
    const tag = createTagger(new Uint8Array(32));
    const made = createMetrics(() => ({ state, now: start, counters, noted: new Map(), audited: new Map(), tag }));
    const answers: number[] = [];
    const looks: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      // Each secret compares anew, as after a change of every one.
      state.secrets.compared.clear();
      let begun = performance.now();
      await made.text();
      answers.push(performance.now() - begun);
      begun = performance.now();
      tell(start + round * 60_000, { type: 'timer-fired', timer: 'alerts' });
      looks.push(performance.now() - begun);
    }
    const [answer, look] = [spread(answers), spread(looks)];
    const figures: Figure[] = [
      {
        name: `/metrics of ${nodes} nodes with ${secrets} secrets, all of them compared anew`,
        unit: 'ms',
        value: answer.value,
        p99: answer.p99,
        target: limitTarget(answer.value, 200, 'ms'),
      },
      {
        name: `the same fleet is looked at for what is wrong`,
        unit: 'ms',
        value: look.value,
        p99: look.p99,
      },
    ];
    return figures;
  },
};
