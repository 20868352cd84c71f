import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { AccountView, CopyView, NodeView } from '@authmesh/shared/protocol/answer';
import { overviewEntriesPerMessageMax } from '@authmesh/shared/protocol/limits';
import { joinOverview, type Overview } from '@authmesh/shared/protocol/overview';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  chain,
  createScene,
  founder,
  guest,
  observed,
  profile,
  publish,
  start,
  store,
} from './coordinator-scene.ts';
import { overview, overviewParts } from './view.ts';

function nodeOf(number: number): NodeView {
  const id = `${number}`.padStart(32, '0') as NodeId;
  return { id, name: `host-${number}`, online: true, lastSeen: null, joinedAt: start, invitedBy: null, version: '1' };
}

function copyOf(number: number): CopyView {
  const judged = { verdict: 'in-step', why: 'so it is', health: 'sound', spendable: false, seenAt: start } as const;
  return { node: nodeOf(number).id, store, profile, ...judged };
}

function accountOf(number: number, copies: number): AccountView {
  const nothing = { position: null, access: null, expiresAt: null, origin: null, home: null };
  const account = `oauth:xai/${number}` as AccountId;
  return {
    account,
    kind: 'oauth',
    profile,
    ...nothing,
    copies: Array.from({ length: copies }, (_, index) => copyOf(index)),
  };
}

describe('an overview in parts', () => {
  const sizes = fc.record({
    nodes: fc.nat(1_000),
    accounts: fc.array(fc.oneof(fc.nat(5), fc.nat(1_200)), { maxLength: 30 }),
  });

  it('is the whole again once its parts are joined, none of them too large, the last one marked', () => {
    fc.assert(
      fc.property(sizes, ({ nodes, accounts }) => {
        const whole: Overview = {
          type: 'overview',
          nodes: Array.from({ length: nodes }, (_, number) => nodeOf(number)),
          accounts: accounts.map((copies, number) => accountOf(number, copies)),
          pools: [],
          drift: [],
          at: start,
          last: true,
        };
        const parts = overviewParts(whole);
        const joined = parts.reduce<Overview | undefined>(joinOverview, undefined);
        expect(joined).toEqual(whole);
        expect(parts.map(part => part.last)).toEqual(parts.map((_, index) => index === parts.length - 1));
        for (const part of parts) {
          const copies = part.accounts.reduce((sum, view) => sum + view.copies.length, 0);
          expect(part.nodes.length + part.accounts.length + copies).toBeLessThanOrEqual(overviewEntriesPerMessageMax);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('an overview', () => {
  it('shows a copy by what is current now, not by what was when it was judged', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, guest);
    scene.through(publish(1, observed('1')));
    scene.through(acknowledge(2, observed('1')));
    scene.through(publish(1, observed('2', { chain: chain('1') }), 2));
    const copies = () => overview(scene.state(), start).accounts[0]?.copies.map(({ node, verdict }) => [node, verdict]);
    expect(copies()).toEqual([
      [founder, 'in-step'],
      [guest, 'stale'],
    ]);
    scene.through(acknowledge(2, observed('2')));
    expect(copies()).toContainEqual([guest, 'in-step']);
  });

  it('shows who is away since when, and that a deleted profile left', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.through(publish(1, observed('1')));
    const gone = [{ store, profile }];
    scene.tell({ type: 'frame-received', link: 1, message: { type: 'acknowledge', observations: [], gone } });
    scene.pass(7_000);
    scene.tell({ type: 'link-closed', link: 1 });
    const { nodes, accounts } = overview(scene.state(), start);
    expect(nodes).toMatchObject([
      { online: false, lastSeen: start + 7_000 },
      { online: false, lastSeen: null },
    ]);
    expect(accounts).toMatchObject([{ copies: [] }]);
  });
});
