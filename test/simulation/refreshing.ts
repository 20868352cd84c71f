import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { LeaseOutcome } from '@authmesh/agent/core/refresh/open-lease';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { isUsable, type Milliseconds, second, shiftExpiry } from '@authmesh/shared/core/time';
import { crashAgent, elapsedOf, tell } from './agent-process.ts';
import { obstacleTo } from './delivery.ts';
import { crashesNow } from './faults.ts';
import { type Agent, afterOnHost, type Host, hostClock } from './host.ts';
import type { Grant } from './issuer.ts';
import type { Exchange } from './openclaw.ts';
import { storeChanged } from './watching.ts';
import type { Entry, Store } from './world/disk.ts';
import type { Random } from './world/random.ts';
import type { Secret } from './world/secret.ts';
import type { World } from './world/world.ts';

type Spend = Extract<AgentEffect, { type: 'exchange' }>;

/** How the token endpoints of a run behave towards the fleet. */
export interface EndpointFaults {
  /** Share of requests or answers that get lost. */
  lost?: number | undefined;
  /** Share of requests that are turned away for now. */
  busy?: number | undefined;
  /** What becomes of the next exchange, where a transcript says so. */
  next?: Exchange['lost'] | undefined;
}

const exchangeMsMax: Milliseconds = 30 * second;

/**
 * The shell's part of a lease: the refresh token leaves the stores, the intent goes to the journal, the refresh token to the
 * issuer, what comes of it to the journal and to the stores.
 */
export function exchange(world: World, host: Host, agent: Agent, spend: Spend): void {
  const end = (outcome: LeaseOutcome) => endExchange(world, host, agent, spend, outcome);
  afterOnHost(world, host, world.pace(1, 10), () => {
    if (host.agent !== agent) return;
    const { account, epoch, access } = spend;
    const refresh = agent.vault.get(spend.access)?.refresh;
    if (host.refreshing.has(account)) return end({ miss: 'unused', why: 'OpenClaw is refreshing it' });
    if (host.disk.full) return end({ miss: 'unused', why: 'the journal takes no entries' });
    if (refresh?.print !== spend.refresh) return end({ miss: 'unused', why: 'the refresh token is not at hand' });
    if (elapsedOf(world, agent) >= spend.before) return end({ miss: 'unused', why: 'the lease is over' });
    const refusal = takeFromStores(world, host, agent, spend);
    if (host.agent !== agent) return;
    if (refusal !== undefined) return end({ miss: 'unused', why: refusal });
    host.refreshing.add(account);
    agent.refreshing.add(account);
    host.journal.leases.set(account, { lease: { account, epoch, access, refresh: spend.refresh }, sealed: undefined });
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
    if (world.random.chance(world.endpoints.busy ?? 0)) {
      const why = 'the provider answers 503';
      return afterOnHost(world, host, second, () => end({ miss: 'postponed', why, retryAfterMs: undefined }));
    }
    request(world, host, agent, spend, refresh, drawExchange(world));
  });
}

function request(
  world: World,
  host: Host,
  agent: Agent,
  spend: Spend,
  refresh: Secret,
  { takesMs, lost }: Exchange,
): void {
  const end = (outcome: LeaseOutcome) => endExchange(world, host, agent, spend, outcome);
  // It leaves at once; what happens to the host from here on does not call it back.
  world.queue.schedule(world.now + takesMs / 2, () => {
    if (lost === 'request') return;
    world.checks.spent(world, host, refresh, spend);
    const grant = world.issuer.renew(refresh, world.now);
    if (lost === 'answer') return;
    world.queue.schedule(world.now + takesMs / 2, () => {
      afterOnHost(world, host, 0, () => end(grant ? keepGrant(world, host, agent, spend, grant) : refused));
    });
  });
  if (lost) afterOnHost(world, host, exchangeMsMax, () => end({ miss: 'unanswered', why: 'the answer did not come' }));
}

const refused = { miss: 'refused', why: 'invalid_grant' } as const;

/** The stores give the refresh token up, one after the other; the sentence says why one does not. */
function takeFromStores(world: World, host: Host, agent: Agent, { holders, refresh }: Spend): string | undefined {
  if (holders.length > 0 && host.remembersPairs) return 'its gateway keeps the pair that it once read';
  for (const { store: id, profile } of holders) {
    const store = host.disk.stores.get(id);
    const entry = store?.profiles.get(profile);
    const obstacle = obstacleTo(world, host, agent, store, undefined);
    if (obstacle) return `a store takes no change (${obstacle.result})`;
    if (!store || entry?.refresh?.print !== refresh) return 'the store has changed';
    rewrite(world, host, store, profile, { ...entry, refresh: undefined });
    if (crashesNow(world.faults)) {
      crashAgent(world, host, true);
      return undefined;
    }
  }
  return undefined;
}

function rewrite(world: World, host: Host, store: Store, profile: ProfileId, entry: Entry): void {
  store.profiles.set(profile, entry);
  store.version++;
  storeChanged(world, host, store);
}

/**
 * What has given the refresh token up gets the next one, or the same again where it was not used, where nothing has changed
 * meanwhile. The next one waits for its turn where the login has ended.
 */
function giveToStores(world: World, host: Host, agent: Agent, spend: Spend, outcome: LeaseOutcome): void {
  const isRenewed = 'renewed' in outcome;
  if (!isRenewed && outcome.miss !== 'unused' && outcome.miss !== 'postponed') return;
  const credential = agent.vault.get(isRenewed ? outcome.renewed.access : spend.access);
  for (const { store: id, profile } of credential ? spend.holders : []) {
    const store = host.disk.stores.get(id);
    const entry = store?.profiles.get(profile);
    if (obstacleTo(world, host, agent, store, undefined) || !store || !credential) continue;
    if (entry?.access?.print !== spend.access || entry.refresh) continue;
    if (isRenewed && !isUsable(entry.expires, hostClock(world, host))) continue;
    const { access, refresh, issuedAt } = credential;
    const expires = isRenewed ? shiftExpiry(outcome.renewed.expiresAt, agent.state.clockOffsetMs) : entry.expires;
    rewrite(world, host, store, profile, { ...entry, access, refresh, issuedAt, expires });
    // `openclaw secrets reload` follows what is delivered.
    afterOnHost(world, host, world.pace(1_500, 4_000), () => host.snapshots.delete(id));
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
  }
}

function keepGrant(world: World, host: Host, agent: Agent, spend: Spend, grant: Grant): LeaseOutcome {
  const { access, refresh, issuedAt, expiresInMs } = grant;
  if (host.agent === agent)
    agent.vault.set(access.print, { account: spend.account, kind: 'oauth', access, refresh, issuedAt });
  const expiresAt = hostClock(world, host) - agent.state.clockOffsetMs + expiresInMs;
  return {
    renewed: { access: access.print, refresh: refresh.print, expiresAt, issuedAt },
    generation: spend.generation,
  };
}

function endExchange(world: World, host: Host, agent: Agent, spend: Spend, outcome: LeaseOutcome): void {
  if (host.agent !== agent) return;
  const { account, epoch, access, refresh, generation } = spend;
  const credential = 'renewed' in outcome ? agent.vault.get(outcome.renewed.access) : undefined;
  const sealed = credential && world.seals.seal({ account, generation, origin: host.id, credential });
  // A full disk keeps the intent that it has: the outcome lives in memory until it is told.
  if (!host.disk.full && host.journal.leases.has(account))
    host.journal.leases.set(account, { lease: { account, epoch, access, refresh, outcome }, sealed });
  if (crashesNow(world.faults)) return crashAgent(world, host, true);
  if (agent.refreshing.has(account)) giveToStores(world, host, agent, spend, outcome);
  if (host.agent !== agent) return;
  if (agent.refreshing.delete(account)) host.refreshing.delete(account);
  tell(world, host, agent, { type: 'exchanged', account, epoch, outcome });
}

function drawExchange(world: World): Exchange {
  const takesMs = world.pace(200, 1_500);
  const { next, lost = 0 } = world.endpoints;
  world.endpoints.next = undefined;
  if (next) return { takesMs, lost: next };
  if (!world.random.chance(lost)) return { takesMs };
  return { takesMs, lost: world.random.chance(0.5) ? 'request' : 'answer' };
}

/** How the endpoints of a run behave. */
export function drawEndpoints(random: Random): EndpointFaults {
  return {
    lost: random.chance(0.5) ? random.fraction() * 0.1 : 0,
    busy: random.chance(0.5) ? random.fraction() * 0.3 : 0,
  };
}

/** Ends all faults of the endpoints that are drawn at each exchange. */
export function healEndpoints(endpoints: EndpointFaults): void {
  endpoints.lost = 0;
  endpoints.busy = 0;
}
