import { z } from 'zod';
import { accountId, fingerprint, instant, position, sealed } from './fields.ts';
import { miss, openLease, recollection, renewal } from './lease.ts';
import {
  claimsPerMessageMax,
  knownPerMessageMax,
  leasesMax,
  observationsPerMessageMax,
  providersMax,
  withheldMax,
} from './limits.ts';
import { copyName, observation } from './observation.ts';
import { claimsReport, runningSessions } from './permit.ts';
import { secretGiven, secretTaken } from './push.ts';
import { question } from './question.ts';
import { rotationReport } from './rotation.ts';
import { secretReadings } from './secrets.ts';

/** An account as the node has it, on its disk. */
const known = z.object({ account: accountId, position, generation: z.number().int().min(1) });

/** All that a node has, in as many parts as it takes; the coordinator asks only for what is fresher. */
export const inventory = z.object({
  type: z.literal('inventory'),
  observations: z.array(observation).max(observationsPerMessageMax),
  /** What the node knows of the fleet's accounts: only what is newer is sent, and in a generation that it takes. */
  known: z.array(known).max(knownPerMessageMax),
  /** Providers, by their newest names, at which the node can refresh; in the last part. */
  refreshes: z.array(z.string().max(200)).max(providersMax).optional(),
  /** Leases that it has taken and not told the end of; in the last part. */
  leases: z.array(openLease).max(leasesMax).optional(),
  /** Refresh tokens in stores that its configuration keeps out of the fleet: nobody else spends them; in the last part. */
  withheld: z.array(fingerprint).max(withheldMax).optional(),
  last: z.boolean(),
});

/** A credential that the coordinator may not have: the observation and the record to go with it. */
export const publish = z.object({
  type: z.literal('publish'),
  observation,
  /** The generation sealed inside. */
  generation: z.number().int().min(1),
  sealed,
});

/** What has changed since the inventory: deliveries read back, profiles deleted, stores set aside. */
export const acknowledge = z.object({
  type: z.literal('acknowledge'),
  observations: z.array(observation).max(observationsPerMessageMax),
  gone: z.array(copyName).max(observationsPerMessageMax),
  /** Announced logins that no store of the node has, and its vault holds now. */
  known: z.array(known).max(knownPerMessageMax).optional(),
});

/** What the node asks of the pools, holds of them and gives back. */
export const claims = z.object({ type: z.literal('claims'), report: claimsReport });

/** Sign of life, and the sender's clock; which sessions are at work. */
export const beat = z.object({
  type: z.literal('beat'),
  at: instant,
  running: z.array(runningSessions).max(claimsPerMessageMax).optional(),
});

/** A question of a command line or a daemon; the answer carries the same number. */
export const ask = z.object({ type: z.literal('ask'), request: z.number().int().min(1), question });

export const upMessage = z.discriminatedUnion('type', [
  inventory,
  publish,
  acknowledge,
  renewal,
  miss,
  recollection,
  claims,
  secretReadings,
  secretGiven,
  secretTaken,
  rotationReport,
  beat,
  ask,
]);
export type UpMessage = z.infer<typeof upMessage>;
export type Inventory = z.infer<typeof inventory>;
export type Publish = z.infer<typeof publish>;
export type Acknowledge = z.infer<typeof acknowledge>;
export type Ask = z.infer<typeof ask>;
