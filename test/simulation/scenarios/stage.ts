import type { AgentConfig } from '@authmesh/agent/core/config';
import type { PoolTerms } from '@authmesh/coordinator/core/pool/terms';
import { accountId, type ProfileId } from '@authmesh/shared/core/identifiers';
import { createCentral } from '../central.ts';
import { createChecks } from '../checkers/all.ts';
import { noFaults } from '../faults.ts';
import { addHost, enrol, fleetId, plainConfig, storeIdOf, vaultConfig } from '../fleet.ts';
import type { Host } from '../host.ts';
import { createIssuer, type Provider } from '../issuer.ts';
import type { Habits, OpenClaw } from '../openclaw.ts';
import type { LoginSpec } from '../operator.ts';
import { realCores } from '../run.ts';
import { createTrace } from '../trace.ts';
import type { Store, StoreImage } from '../world/disk.ts';
import { createRandom } from '../world/random.ts';
import type { Backup } from '../world/records.ts';
import { createWorld, type World } from '../world/world.ts';
import { type Command, parseDuration } from './script.ts';

/** A small world that does only what it is told. */
export interface Stage {
  readonly world: World;
  /** What `coordinator.json` says of sessions; for its next start. */
  readonly pools: PoolTerms[];
  /** What was traced since it was last taken. */
  readonly lines: string[];
  readonly claws: Map<Host, OpenClaw>;
  readonly files: Map<string, StoreImage>;
  readonly backups: Map<string, Backup>;
}

/** What a command line of a transcript does. */
export type Verb = (stage: Stage, command: Command) => void;

/** What every run has and no reader wants. */
const noise =
  /(beat$|: beat| timer-fired |→ set-timer |→ clear-timer |persist-succeeded|→ audit |→ propagated |→ compare-and-set alerts )/;
const latencyMs = 10;

export function createStage(): Stage {
  const lines: string[] = [];
  const write = (line: string) => {
    if (!noise.test(line)) lines.push(line);
  };
  const pools: PoolTerms[] = [];
  const world = createWorld({
    seed: 1,
    cores: realCores,
    issuer: createIssuer(),
    central: createCentral(0),
    fleet: fleetId,
    faults: noFaults(createRandom(1)),
    trace: createTrace(write),
    checks: createChecks(),
    pools,
    jitter: 0,
    endpoints: {},
  });
  return { world, pools, lines, claws: new Map(), files: new Map(), backups: new Map() };
}

function configOf(custody: string | undefined): AgentConfig {
  if (custody === 'vault') return vaultConfig;
  return custody === 'copy' ? { ...plainConfig, custody } : plainConfig;
}

/** `host NAME [stores=main,work] [skew=+24h] [custody=copy|vault] [leaves=empty|fence]`: a host, with agents and habits. */
export function stageHost({ world, claws }: Stage, { words, options }: Command): void {
  const host = addHost(world, {
    name: words[0] ?? '',
    agents: (options.get('stores') ?? 'main').split(','),
    latencyMs,
    skewMs: parseDuration(options.get('skew') ?? '0s'),
    config: configOf(options.get('custody')),
  });
  const habits: Habits = {
    turnMs: 60_000,
    marginMs: 0,
    emptiesOnFailure: options.get('leaves') === 'empty',
    fences: options.get('leaves') === 'fence',
    refreshesLost: 0,
    writesInPlace: false,
    memory: 'none',
  };
  claws.set(host, { host, habits, random: createRandom(2), active: true });
  if (!world.central.process) enrol(world, host);
}

export function hostNamed({ world }: Stage, name: string | undefined): Host {
  const host = world.hosts.find(candidate => candidate.name === name);
  if (!host) throw new Error(`there is no host ${name}`);
  return host;
}

export function storeNamed(host: Host, agent: string | undefined): Store {
  const store = host.disk.stores.get(storeIdOf(agent ?? ''));
  if (!store) throw new Error(`${host.name} has no agent ${agent}`);
  return store;
}

/** The place that the first words of a command name: `HOST AGENT PROFILE`. */
export function placeOf(stage: Stage, [name, agent, profile]: readonly string[]) {
  const host = hostNamed(stage, name);
  return { host, store: storeNamed(host, agent), profile: (profile ?? '') as ProfileId };
}

export function clawOf({ claws }: Stage, host: Host): OpenClaw {
  const claw = claws.get(host);
  if (!claw) throw new Error(`${host.name} has no OpenClaw`);
  return claw;
}

/** `account=NAME` (else only the profile says whose it is), `life=1h`, `token=opaque|dated`. */
export function loginSpec(profile: ProfileId, options: ReadonlyMap<string, string>): LoginSpec {
  const name = profile.slice(0, profile.indexOf(':'));
  const owner = options.get('account');
  const token = options.get('token') ?? (name.startsWith('openai') ? 'dated' : 'opaque');
  const provider: Provider = {
    name,
    rotates: !name.startsWith('google'),
    datesTokens: token === 'dated',
    accessLifeMs: parseDuration(options.get('life') ?? '1h'),
  };
  return { account: accountId('oauth', name, owner ?? profile), identity: owner ? 'account' : 'profile', provider };
}
