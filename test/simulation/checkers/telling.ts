import type { Process } from '../central.ts';
import { type Checker, Violation } from './check.ts';

/** I14: a coordinator tells a channel each version of an incident once, in order, and nothing before the last message was taken. */
export function checkTelling(): Checker {
  const heard = new WeakMap<Process, Map<string, number>>();
  const underWay = new WeakMap<Process, ReadonlyMap<string, number>>();
  return {
    coordinatorEffects: {
      tell: (_world, process, { message: { incidents } }) => {
        if (underWay.has(process)) throw new Violation('I14', 'a message was sent while another is under way');
        const known = heard.get(process) ?? new Map<string, number>();
        for (const { id, version } of incidents)
          if (version <= (known.get(id) ?? 0)) throw new Violation('I14', `${id} was told at version ${version} again`);
        underWay.set(process, new Map(incidents.map(({ id, version }) => [id, version])));
      },
    },
    coordinatorStepped: (_world, process, event) => {
      if (event.type !== 'told') return;
      const sent = underWay.get(process) ?? new Map<string, number>();
      underWay.delete(process);
      const known = heard.get(process) ?? new Map<string, number>();
      heard.set(process, known);
      if (event.outcome.ok) for (const [id, version] of sent) known.set(id, version);
    },
  };
}
