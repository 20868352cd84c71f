import { z } from 'zod';
import { announcement } from './announcement.ts';
import { accountId, fingerprint, instant, sealed, sentence } from './fields.ts';
import { knownPerMessageMax } from './limits.ts';

/** Which lease a message is about. */
const leaseName = z.object({
  account: accountId,
  /** Rises with each lease of the account: a lower one is fenced. */
  epoch: z.number().int().min(1),
});

/** The right to spend an account's refresh token, once, and soon. */
export const lease = leaseName.extend({
  type: z.literal('lease'),
  /** The login that is to be renewed; a node that knows of another one leaves it alone. */
  access: fingerprint,
  refresh: fingerprint,
  /** Counted by the node from the moment when it hears of it. */
  leaseMs: z.number().min(0),
  /** By the coordinator's clock: nothing is sent from then on, for the OpenClaw of another host that has the token may send it. */
  notAfter: instant.optional(),
  /** The least generation that the new record has to be sealed in. */
  generation: z.number().int().min(1),
  /** The one attempt with a refresh token that an OpenClaw may have spent: there is nothing left to lose. */
  guarded: z.boolean(),
});
export type Lease = z.infer<typeof lease>;

/** The coordinator has taken the outcome of a lease: the node may forget it. */
export const leaseSettled = leaseName.extend({
  type: z.literal('lease-settled'),
  /** Not taken yet: nodes know of later records, so it has to be sealed in this generation at least. */
  again: z.number().int().min(1).optional(),
});
export type LeaseSettled = z.infer<typeof leaseSettled>;

/** What a login was renewed into. */
export const renewed = z.object({
  access: fingerprint,
  /** That of the login before, where the answer had none (RFC 6749, 6). */
  refresh: fingerprint,
  /** By the coordinator's clock. */
  expiresAt: instant.nullable(),
  issuedAt: instant.optional(),
});
export type Renewed = z.infer<typeof renewed>;

/** A lease brought a new login; its record comes with it. */
export const renewal = leaseName.extend({
  type: z.literal('renewal'),
  /** The login that was renewed. */
  replaced: fingerprint,
  renewed,
  /** The generation sealed inside. */
  generation: z.number().int().min(1),
  sealed,
});
export type Renewal = z.infer<typeof renewal>;

/** A lease brought none; `core/lease.ts` says what each kind means. */
export const miss = leaseName.extend({
  type: z.literal('miss'),
  /** The login that was to be renewed. */
  access: fingerprint,
  miss: z.enum(['unused', 'postponed', 'unanswered', 'refused']),
  /** For the operator; never a secret. */
  why: sentence,
  /** The provider's own word on when to come again. */
  retryAfterMs: z.number().int().min(0).optional(),
});
export type MissReport = z.infer<typeof miss>;

/** The coordinator's store is older than what the node knows of these accounts: it is to give their records back. */
export const recall = z.object({ type: z.literal('recall'), accounts: z.array(accountId).max(knownPerMessageMax) });

/** An account's login with its record, as it was announced to the node. */
export const recollection = z.object({
  type: z.literal('recollection'),
  facts: announcement.omit({ type: true, sealed: true }),
  sealed,
});
export type Recollection = z.infer<typeof recollection>;

/** A lease that a node has taken: what it is about is not free. */
export const openLease = leaseName.extend({ access: fingerprint });
export type OpenLeaseName = z.infer<typeof openLease>;

/** How the refreshing of an account stands, where it is not simply waiting for its time. */
export const refreshView = z.object({
  state: z.enum(['refreshing', 'in-doubt', 'needs-login', 'postponed']),
  /** Who may have spent the refresh token of a login in doubt: a lease (by its word, or its silence), or an OpenClaw. */
  by: z.enum(['lease', 'silence', 'openclaw']).optional(),
  node: z.string().max(64),
  since: instant,
  why: sentence,
  /** With `postponed`: how often the provider, or the way to it, has put it off. */
  failures: z.number().int().min(1).optional(),
});
export type RefreshView = z.infer<typeof refreshView>;
