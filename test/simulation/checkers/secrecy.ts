import { secretMarker } from '../world/secret.ts';
import { type Checker, Violation } from './check.ts';

/** Whole states are searched once in so many steps; every effect is searched when it is made. */
const stepsPerSearch = 4_096;

/** I5: no effect, message, journal entry, record or state holds a secret. */
export function checkSecrecy(): Checker {
  let steps = 0;
  const search = (what: string, value: unknown) => {
    if (holdsSecret(value)) throw new Violation('I5', `${what} holds a secret`);
  };
  return {
    agentEffect: (_world, host, _agent, effect) => search(`effect \`${effect.type}\` of ${host.name}`, effect),
    coordinatorEffect: (_world, _process, effect) => search(`effect \`${effect.type}\` of the coordinator`, effect),
    agentStepped: (_world, host, agent) => {
      if (++steps % stepsPerSearch === 0) search(`the state of ${host.name}`, agent.state);
    },
    coordinatorStepped: (_world, process) => {
      if (++steps % stepsPerSearch === 0) search('the state of the coordinator', process.state);
    },
  };
}

/** Whether any text within starts with the mark of a simulated secret. */
export function holdsSecret(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith(secretMarker);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (value instanceof Map) {
    for (const [key, entry] of value) if (holdsSecret(key) || holdsSecret(entry)) return true;
    return false;
  }
  if (value instanceof Set) {
    for (const entry of value) if (holdsSecret(entry)) return true;
    return false;
  }
  for (const key in value) if (holdsSecret((value as Record<string, unknown>)[key])) return true;
  return false;
}
