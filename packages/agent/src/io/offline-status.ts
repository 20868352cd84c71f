import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConfig } from '@authmesh/agent/core/config';
import type { Memory } from '@authmesh/agent/core/effect';
import { createAgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import { journalFileName, loadJournal } from './agent-journal.ts';
import { findWriteTrouble } from './home-check.ts';
import type { Identity } from './identity.ts';
import { readOverview } from './overview-file.ts';
import { type Status, statusOf } from './status-view.ts';
import { createStoreDiscovery, type OpenclawPlaces } from './store-discovery.ts';
import { readStoreFile } from './store-file.ts';
import { parseRead } from './store-write.ts';

/** What is on this host's disk while its daemon is away: the journal's memory and the stores as they stand. */
export async function readOfflineStatus(from: {
  readonly home: string;
  readonly identity: Identity;
  readonly config: AgentConfig;
  readonly places: OpenclawPlaces;
}): Promise<Status> {
  const { keys, membership } = from.identity;
  const text = await readFile(join(from.home, journalFileName), 'utf8').catch(() => '');
  const { copies, accounts } = loadJournal(text).contents;
  const memory: Memory[] = [];
  for (const [key, copy] of copies) memory.push({ kind: 'copy', key, copy });
  for (const { account } of accounts.values()) memory.push({ kind: 'account', account });
  const now = Date.now();
  let state = createAgentState({
    node: nodeIdOf(keys.signing.publicKey),
    name: membership.name,
    fleet: membership.fleet,
    config: from.config,
    memory,
    overview: await readOverview(from.home),
    run: 'offline',
  });
  const directories = await createStoreDiscovery(from.places).look();
  const context = {
    fingerprint: (secret: string) => fingerprintSecret(membership.secrets.fingerprintKey, secret),
    now,
    clockOffsetMs: 0,
  };
  for (const { agents } of directories) {
    for (const { store, isPresent } of agents) {
      if (!isPresent) continue;
      const { seen } = parseRead(store, readStoreFile(store), context);
      state = transition(state, { at: now, elapsed: 0, seed: 0, event: { type: 'store-observed', store, seen } }).state;
    }
  }
  const problem = await findWriteTrouble(from.home);
  return statusOf(state, now, directories, { path: from.home, problem });
}
