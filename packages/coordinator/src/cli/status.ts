import { accountLabel, type NodeId } from '@authmesh/shared/core/identifiers';
import { describeUse } from '@authmesh/shared/core/limit-advice';
import { type Instant, never, second } from '@authmesh/shared/core/time';
import type { Command } from '@authmesh/shared/node/command-line';
import { askControl } from '@authmesh/shared/node/control-client';
import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { table } from '@authmesh/shared/node/output';
import { answerBody } from '@authmesh/shared/protocol/answer';
import { z } from 'zod';
import { chooseDataDir, dataDirOption } from './data-dir.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'show nodes and accounts as the coordinator knows them',
  options: [dataDirOption],
  example: 'authmesh-coordinator status',
  async run(context) {
    const reply = await askControl({ home: chooseDataDir(context), request: { op: 'status' } });
    const { url, problem } = z.object({ url: z.string(), problem: z.string().nullable() }).parse(reply);
    const overview = answerBody.parse(reply);
    if (overview.type !== 'overview') throw new TypeError('the coordinator answered another question');
    const names = new Map<NodeId, string>(overview.nodes.map(node => [node.id, node.name]));
    const name = (id: NodeId | null) => (id === null ? null : (names.get(id) ?? id));
    const status = {
      url,
      problem,
      nodes: overview.nodes.map(node => ({
        ...node,
        invitedBy: name(node.invitedBy),
        lastSeen: iso(node.lastSeen),
        joinedAt: iso(node.joinedAt),
      })),
      accounts: overview.accounts.map(view => ({
        account: accountLabel(view.account),
        kind: view.kind,
        revision: view.position?.revision ?? null,
        fingerprint: view.access,
        origin: name(view.origin),
        home: name(view.home),
        expiresAt: iso(view.expiresAt),
        copies: view.copies.map(({ node, store, profile, verdict, why, seenAt }) => ({
          node: name(node),
          store,
          profile,
          verdict,
          why,
          seenAt: iso(seenAt),
        })),
      })),
      pools: overview.pools.map(({ etaMs, settleMs, observed, ...pool }) => ({
        ...pool,
        ...describeUse(settleMs, observed),
        etaSeconds: etaMs === null ? null : Math.ceil(etaMs / second),
        settleSeconds: settleMs / second,
      })),
      leases: [],
    };
    context.output.data(status, () =>
      [
        ...(problem === null ? [] : [`The store does not take writes: ${problem}`]),
        `Listening on ${url}; ${status.nodes.filter(node => node.online).length} of ${status.nodes.length} nodes online.`,
        table(
          ['NODE', 'ONLINE', 'LAST SEEN', 'VERSION'],
          status.nodes.map(node => [node.name, node.online ? 'yes' : 'no', node.lastSeen ?? '-', node.version]),
        ),
        table(
          ['ACCOUNT', 'REVISION', 'FINGERPRINT', 'FROM', 'HOME', 'ENDS', 'IN STEP'],
          status.accounts.map(account => [
            account.account,
            String(account.revision ?? '-'),
            account.fingerprint?.slice(0, 12) ?? '-',
            account.origin ?? '-',
            account.home ?? '-',
            account.expiresAt ?? 'never',
            `${account.copies.filter(copy => copy.verdict === 'in-step').length} of ${account.copies.length}`,
          ]),
        ),
        table(
          ['POOL', 'LIMIT', 'NOW', 'COMING BACK', 'WAITING', 'READY IN', 'WHY'],
          status.pools.map(pool => [
            pool.name,
            String(pool.limit),
            String(pool.live),
            String(pool.recovering),
            String(pool.waiting),
            pool.etaSeconds === null ? 'unknown' : `${pool.etaSeconds} s`,
            pool.why ?? '',
          ]),
        ),
      ].join('\n\n'),
    );
    return problem === null ? exitCodes.ok : exitCodes.problem;
  },
};

function iso(instant: Instant | null): string | null {
  return instant === null ? null : new Date(Math.min(instant, never)).toISOString();
}
