import { z } from 'zod';
import { drift } from './drift-document.ts';
import { fingerprint, path, time } from './fields.ts';
import { overweight, pool } from './pool-documents.ts';

/*
 * Every JSON document that the user's reference describes, as the reference has it. `strictObject` throughout: a field
 * that a release adds is added here, so that none comes or goes unnoticed.
 */

const nodeId = z.string().regex(/^[0-9a-f]{32}$/);

const copy = z.strictObject({
  node: z.string(),
  online: z.boolean(),
  store: path,
  profile: z.string(),
  state: z.enum(['current', 'stale', 'waiting', 'held', 'parallel', 'unlinked', 'quarantined', 'error']),
  custody: z.enum(['bearer', 'home', 'full']),
  revision: z.number().int().nullable(),
  fingerprint: fingerprint.nullable(),
  reason: z.string().min(1),
  seenAt: time.nullable(),
  evidence: z.strictObject({ by: z.enum(['use', 'disk', 'told', 'none']), at: time.nullable() }),
  comesLast: z.boolean().optional(),
  turn: z.strictObject({ pool: z.string(), place: z.number().int(), etaSeconds: z.number() }).optional(),
  decay: z.strictObject({ state: z.enum(['expired', 'spent']), reason: z.string() }).optional(),
  waitsSince: time.optional(),
});

const account = z.strictObject({
  account: z.string().includes('/'),
  kind: z.enum(['oauth', 'token', 'api_key']),
  profiles: z.array(z.string()).min(1),
  revision: z.number().int().nullable(),
  fingerprint: fingerprint.nullable(),
  origin: z.string().nullable(),
  home: z.string().nullable(),
  expiresAt: time.nullable(),
  state: z.enum(['fresh', 'expiring', 'expired', 'refreshing', 'in-doubt', 'needs-login', 'parallel', 'unlinked']),
  refresh: z
    .strictObject({
      state: z.enum(['refreshing', 'in-doubt', 'needs-login', 'postponed']),
      node: z.string().min(1),
      since: time,
      why: z.string().min(1),
      mend: z.string().min(1).optional(),
    })
    .optional(),
  vaulted: z.literal(true).optional(),
  refusal: z.string().min(1).optional(),
  copies: z.array(copy),
});

const foreign = z.strictObject({ path, reason: z.string().min(1) });
const openclaw = z.strictObject({
  stateDir: path,
  generation: z.enum(['json', 'json-with-state', 'sqlite', 'sqlite-shared', 'none', 'unknown']),
  foreign: z.array(foreign),
  reload: z
    .strictObject({
      reason: z.string().min(1),
      mend: z.string().min(1),
      isUnasked: z.boolean().optional(),
      at: z.number(),
    })
    .optional(),
});

export const statusDocument = z.strictObject({
  home: z.strictObject({ path, problem: z.string().optional() }),
  node: z.strictObject({ id: nodeId, name: z.string() }),
  fleet: z.strictObject({ id: nodeId, nodes: z.number().int(), online: z.number().int() }),
  coordinator: z.strictObject({
    url: z.string().startsWith('ws://').nullable(),
    connected: z.boolean(),
    since: time.nullable(),
    problem: z.string().optional(),
    refused: z.boolean(),
    seenAt: time.nullable(),
    heardAt: time.nullable(),
  }),
  accounts: z.array(account),
  stores: z.array(z.strictObject({ store: path, state: z.string(), reason: z.string().optional() })),
  openclaw: z.array(openclaw),
  tools: z.array(z.strictObject({ tool: z.string(), store: path, isPresent: z.boolean(), hasLogin: z.boolean() })),
  lacks: z.array(z.strictObject({ account: z.string(), profile: z.string(), obstacle: z.string().min(1).optional() })),
  pools: z.array(pool),
  overweight: z.array(overweight),
  drift: z.array(drift),
});

export const nodesDocument = z.array(
  z.strictObject({
    id: nodeId,
    name: z.string(),
    online: z.boolean(),
    lastSeen: time.nullable(),
    joinedAt: time,
    invitedBy: z.string().nullable(),
    version: z.string().regex(/^\d+\.\d+\.\d+/),
  }),
);

export const inviteDocument = z.strictObject({
  code: z.string().startsWith('authmesh1'),
  expiresAt: time,
  uses: z.number().int(),
});

export const explainDocument = z.strictObject({
  account: z.string(),
  current: z
    .strictObject({
      revision: z.number().int(),
      fingerprint,
      origin: z.string(),
      acceptedAt: time,
      expiresAt: time.nullable(),
      why: z.string().min(1),
    })
    .nullable(),
  history: z.array(
    z.strictObject({
      number: z.number().int(),
      revision: z.number().int().optional(),
      fingerprint: fingerprint.nullable(),
      origin: z.string(),
      at: time,
      verdict: z.enum(['accepted', 'stale', 'parallel', 'quarantined', 'unlinked']),
      why: z.string().min(1),
    }),
  ),
});
export type ExplainDocument = z.infer<typeof explainDocument>;

export const joinDocument = z.strictObject({
  node: z.strictObject({ id: nodeId, name: z.string() }),
  fleet: z.strictObject({ id: nodeId, nodes: z.number().int() }),
  stores: z.array(path),
  openclaw: z.array(openclaw),
  logins: z.array(z.strictObject({ account: z.string(), profile: z.string() })),
  lacks: z.array(z.strictObject({ account: z.string(), profile: z.string() })),
});

export const codeDocument = z.strictObject({
  foundingCode: z.string().startsWith('authmesh1'),
  command: z.string().startsWith('authmesh-agent join authmesh1'),
});

export const listeningDocument = z.strictObject({
  event: z.literal('listening'),
  url: z.string().regex(/^ws:\/\/127\.0\.0\.1:\d+$/),
  foundingCode: z.string().startsWith('authmesh1').nullable(),
});

export const coordinatorStatusDocument = z.strictObject({
  url: z.string(),
  problem: z.string().nullable(),
  nodes: z.array(z.looseObject({ id: nodeId, name: z.string(), online: z.boolean(), lastSeen: time.nullable() })),
  accounts: z.array(
    z.strictObject({
      account: z.string(),
      kind: z.string(),
      revision: z.number().int().nullable(),
      fingerprint: fingerprint.nullable(),
      origin: z.string().nullable(),
      home: z.string().nullable(),
      expiresAt: time.nullable(),
      copies: z.array(z.looseObject({ node: z.string(), store: path, profile: z.string(), verdict: z.string() })),
    }),
  ),
  pools: z.array(
    pool.partial({ isDefault: true }).extend({ match: z.array(z.string()), healthCommand: z.string().optional() }),
  ),
  leases: z.array(z.never()),
});

export const doctorDocument = z.strictObject({
  healthy: z.boolean(),
  findings: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['ok', 'notice', 'problem']),
      found: z.string().min(1),
      mend: z.string().optional(),
    }),
  ),
});

export const adoptDocument = z.strictObject({
  adopted: z.array(z.string()),
  problems: z.array(z.strictObject({ login: z.string(), reason: z.string() })),
});
