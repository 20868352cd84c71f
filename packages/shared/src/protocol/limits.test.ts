import { placesNamed } from '@authmesh/shared/core/drift';
import { secretForms } from '@authmesh/shared/core/secret-reading';
import { describe, expect, it } from 'vitest';
import type { AnswerBody } from './answer.ts';
import type { Judgement } from './down.ts';
import { frameBytesMax } from './frame.ts';
import {
  chainLinksMax,
  claimsPerMessageMax,
  driftWeight,
  judgementsPerMessageMax,
  knownPerMessageMax,
  observationsPerMessageMax,
  overviewEntriesPerMessageMax,
  readingsPerNodeMax,
  sentenceCharsMax,
} from './limits.ts';
import type { Observation } from './observation.ts';
import type { Claim, LimitSignal } from './permit.ts';
import type { DriftView } from './secrets.ts';
import type { UpMessage } from './up.ts';

/** The longest that a peer may say: paths are bounded in bytes by every host, the rest in characters. */
const wide = '\u4e2d';
const store = '/'.repeat(4_096) as Observation['store'];
const profile = wide.repeat(512) as Observation['profile'];
const account = `oauth:xai/${wide.repeat(590)}` as Observation['account'];
const sentence = wide.repeat(sentenceCharsMax);
const access = 'f'.repeat(32) as NonNullable<Observation['access']>;
const node = access as string as Extract<AnswerBody, { type: 'linked' }>['nodes'][number];
const position = { epoch: 1_000_000, revision: 1_000_000 };
const at = Number.MAX_SAFE_INTEGER;

function repeat<Entry>(count: number, entry: Entry): Entry[] {
  return Array.from({ length: count }, () => entry);
}

const observation: Observation = {
  store,
  profile,
  account,
  identity: 'account',
  kind: 'api_key',
  health: 'fence-pending',
  access,
  refresh: access,
  expiresAt: at,
  issuedAt: at,
  chain: repeat(chainLinksMax, { access, refresh: access }),
  announced: { position, home: node, origin: node },
  trouble: sentence,
};
const judgement: Judgement = { store, profile, access, verdict: 'parallel', why: sentence, generation: at };
const inventory: UpMessage = {
  type: 'inventory',
  observations: repeat(observationsPerMessageMax, observation),
  known: repeat(knownPerMessageMax, { account, position, generation: 1_000_000 }),
  last: true,
};
const judged = { verdict: 'parallel', why: sentence, health: 'fence-pending', spendable: false } as const;
const claim: Claim = {
  id: at,
  claimant: { type: 'store', store, profile, account },
  sessions: 10_000,
  phase: 'settled',
  epoch: at,
  outcome: 'failed',
  why: sentence,
};
const signal: LimitSignal = { account, profile, kind: 'rate-limit', resumesInMs: at };
const claims: UpMessage = {
  type: 'claims',
  report: {
    run: 'r'.repeat(64),
    number: at,
    claims: repeat(claimsPerMessageMax, claim),
    signals: repeat(claimsPerMessageMax, signal),
  },
};
const copy = { node, store, profile, ...judged, access, trouble: sentence, seenAt: at };
const current = { position, access, expiresAt: at, origin: node, home: node };
const copies = repeat(overviewEntriesPerMessageMax - 1, copy);
const overview: AnswerBody = {
  type: 'overview',
  nodes: [],
  accounts: [{ account, kind: 'api_key', profile, ...current, copies }],
  pools: [],
  drift: [],
  at,
  last: true,
};

const words = wide.repeat(200);
const named = { name: wide.repeat(100), group: wide.repeat(100) };
const forms = [...secretForms];
const secrets: UpMessage = {
  type: 'secrets',
  keyEpoch: 1_000_000,
  readings: repeat(readingsPerNodeMax, {
    ...named,
    place: wide.repeat(64),
    source: words,
    kind: 'process',
    found: { state: 'unreadable', why: words },
  }),
};
const place = { node: wide.repeat(64), source: words, since: at };
const group = { fingerprint: access, nodes: repeat(placesNamed, place.node), count: at, forms, isMinority: true };
const secret: DriftView = {
  ...named,
  state: 'unreadable',
  groups: repeat(placesNamed, group),
  variants: forms,
  stale: repeat(placesNamed, place),
  missing: repeat(placesNamed, place),
  unreadable: repeat(placesNamed, { ...place, why: words }),
  away: repeat(placesNamed, place.node),
  since: at,
  compared: at,
  declared: at,
};
const drift = { ...overview, accounts: [], drift: repeat(overviewEntriesPerMessageMax / driftWeight, secret) };

describe('a full message', () => {
  it.each([
    ['inventory', inventory],
    ['claims', claims],
    ['secrets', secrets],
    ['overview of secrets', { type: 'answer', request: at, body: drift }],
    ['judgements', { type: 'judgements', judgements: repeat(judgementsPerMessageMax, judgement) }],
    ['overview', { type: 'answer', request: at, body: overview }],
  ])('%s fits a frame, whatever its entries hold', (_, message) => {
    const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
    expect(bytes).toBeLessThan(frameBytesMax - 1_024);
  });
});
