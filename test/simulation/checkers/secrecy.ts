import { secretMarker } from '../world/secret.ts';
import { type Checker, Violation } from './check.ts';

/** Whole states are searched once in so many steps; every effect is searched when it is made. */
const stepsPerSearch = 4_096;

/** I5: no effect, message, journal entry, record or state holds a secret. */
export function checkSecrecy(): Checker {
  let steps = 0;
  const found = (what: string) => new Violation('I5', `${what} holds a secret`);
  return {
    agentEffect: (_world, host, _agent, effect) => {
      if (holdsSecret(effect)) throw found(`effect \`${effect.type}\` of ${host.name}`);
    },
    coordinatorEffect: (_world, _process, effect) => {
      if (holdsSecret(effect)) throw found(`effect \`${effect.type}\` of the coordinator`);
    },
    agentStepped: (_world, host, agent) => {
      if (++steps % stepsPerSearch === 0 && holdsSecret(agent.state)) throw found(`the state of ${host.name}`);
    },
    coordinatorStepped: (_world, process) => {
      if (++steps % stepsPerSearch === 0 && holdsSecret(process.state)) throw found('the state of the coordinator');
    },
  };
}

const markCode = secretMarker.charCodeAt(0);

/** Whether any text within starts with the mark of a simulated secret. */
export function holdsSecret(value: unknown): boolean {
  // Nearly every text differs in its first character.
  if (typeof value === 'string') return value.charCodeAt(0) === markCode && value.startsWith(secretMarker);
  return typeof value === 'object' && value !== null && hasSecretPart(value);
}

function hasSecretPart(value: object): boolean {
  if (Array.isArray(value)) {
    for (const entry of value) if (holdsSecret(entry)) return true;
  } else if (value instanceof Map) {
    for (const [key, entry] of value) if (holdsSecret(key) || holdsSecret(entry)) return true;
  } else if (value instanceof Set) {
    for (const entry of value) if (holdsSecret(entry)) return true;
  } else {
    for (const key in value) if (holdsSecret((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}
