import { describe, expect, it } from 'vitest';
import type { AnswerBody } from './answer.ts';
import type { Judgement } from './down.ts';
import { frameBytesMax } from './frame.ts';
import {
  chainLinksMax,
  claimsPerMessageMax,
  judgementsPerMessageMax,
  knownPerMessageMax,
  observationsPerMessageMax,
  overviewEntriesPerMessageMax,
  sentenceCharsMax,
} from './limits.ts';
import type { Observation } from './observation.ts';
import type { Claim, LimitSignal } from './permit.ts';
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
  at,
  last: true,
};

describe('a full message', () => {
  it.each([
    ['inventory', inventory],
    ['claims', claims],
    ['judgements', { type: 'judgements', judgements: repeat(judgementsPerMessageMax, judgement) }],
    ['overview', { type: 'answer', request: at, body: overview }],
  ])('%s fits a frame, whatever its entries hold', (_, message) => {
    const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
    expect(bytes).toBeLessThan(frameBytesMax - 1_024);
  });
});
