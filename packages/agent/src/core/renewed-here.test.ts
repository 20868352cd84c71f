import type { AccountId, Fingerprint, FleetId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import type { AgentEffect } from './effect.ts';
import type { AgentEvent } from './event.ts';
import { createAgentState } from './initial-state.ts';
import { transition } from './transition.ts';

const node = 'a'.repeat(32) as NodeId;
const account = 'oauth:xai/acct_1' as AccountId;
const profile = 'xai:default' as ProfileId;
const main = '/home/claw/main/auth-profiles.json' as StoreId;
const work = '/home/claw/work/auth-profiles.json' as StoreId;
const at = 1_800_000_000_000;
const print = (digit: string) => digit.repeat(32) as Fingerprint;

function home() {
  let state = createAgentState({
    node,
    name: 'pc-a',
    fleet: node as string as FleetId,
    config: {
      coordinators: ['wss://central'],
      profiles: { allow: ['*'], deny: [] },
      create: [],
      apiKeys: false,
      custody: 'auto',
      refreshes: new Map(),
    },
    memory: [],
    run: 'run',
  });
  return (event: AgentEvent): readonly AgentEffect[] => {
    const step = transition(state, { at, elapsed: at, awake: at, seed: 1, event });
    state = step.state;
    return step.effects;
  };
}

const announced: AgentEvent = {
  type: 'announced',
  facts: {
    account,
    kind: 'oauth',
    profile,
    position: { epoch: 1, revision: 1 },
    generation: 1,
    access: print('1'),
    refresh: print('2'),
    expiresAt: null,
    origin: node,
    home: node,
    restored: false,
  },
};

function holds(store: StoreId, access?: Fingerprint, refresh?: Fingerprint): AgentEvent {
  const common = { profile, account, identity: 'account', kind: 'oauth', expiresAt: null } as const;
  const seen = access
    ? ({ ...common, health: 'sound', access, refresh } as const)
    : ({ ...common, health: 'empty' } as const);
  return { type: 'store-observed', store, seen: { state: 'readable', profiles: [seen] } };
}

describe('two stores of the home', () => {
  it('the one that lost its tokens does not get a refresh token that the other has renewed (invariant I10)', () => {
    const tell = home();
    tell({ type: 'started' });
    tell(holds(main, print('1'), print('2')));
    tell(holds(work, print('1'), print('2')));
    tell({ type: 'link-opened', url: 'wss://central', clockOffsetMs: 0, epoch: 1, policy: { allow: ['*'], deny: [] } });
    tell(announced);
    tell({ type: 'frame-received', message: { type: 'synced' } });
    // The coordinator has not answered to the renewal yet.
    tell(holds(main, print('3'), print('4')));
    tell(holds(work));
    const judgement = { store: work, profile, verdict: 'unfit', why: 'its tokens are empty' } as const;
    tell({ type: 'frame-received', message: { type: 'judgements', judgements: [judgement] } });
    const granted = [{ id: 1, pool: 'default', epoch: 1, leaseMs: 60_000, settleMs: 20_000 }];
    const effects = tell({
      type: 'frame-received',
      message: { type: 'permits', run: 'run', number: 1, granted, queued: [], refused: [] },
    });
    expect(effects).toContainEqual(
      expect.objectContaining({ type: 'write-credential', store: work, access: print('1'), form: 'bearer' }),
    );
  });

  it('the one that lacked the login is given it without what the other has renewed (invariant I10)', () => {
    const tell = home();
    tell({ type: 'started' });
    tell(holds(main, print('1'), print('2')));
    tell({ type: 'link-opened', url: 'wss://central', clockOffsetMs: 0, epoch: 1, policy: { allow: ['*'], deny: [] } });
    tell(announced);
    tell(holds(main, print('3'), print('4')));
    const effects = tell({ type: 'asked', request: 1, control: { op: 'adopt', profiles: [], store: work } });
    expect(effects).toContainEqual(
      expect.objectContaining({ type: 'create-profile', store: work, access: print('1'), form: 'bearer' }),
    );
  });
});
