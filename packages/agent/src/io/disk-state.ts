import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AgentConfig } from '@authmesh/agent/core/config';
import type { Memory } from '@authmesh/agent/core/effect';
import { createAgentState } from '@authmesh/agent/core/initial-state';
import type { AgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import { withCreation } from './adoption-store.ts';
import { journalFileName } from './agent-journal.ts';
import type { ParsedStore, ReadContext } from './auth-profiles.ts';
import { loadJournal } from './formats/journal-text.ts';
import type { Identity } from './identity.ts';
import { readOverview } from './overview-file.ts';
import type { StateDirectory, StorePlaces } from './state-directory.ts';
import { adapterOf } from './store-adapter.ts';
import { createStoreDiscovery } from './store-discovery.ts';
import { partialRetriesMs } from './store-reader.ts';
import { parseRead } from './store-write.ts';
import { sharingTools } from './tool-places.ts';

/** Where a host's agent and its OpenClaw keep what they know. */
export interface HostPlaces {
  readonly home: string;
  readonly identity: Identity;
  readonly config: AgentConfig;
  readonly places: StorePlaces;
}

/** What a process that starts now finds on this host's disk. */
export interface DiskState {
  readonly state: AgentState;
  readonly directories: readonly StateDirectory[];
  /** Entries that authmesh cannot judge, with the reason. */
  readonly skipped: readonly { readonly store: StoreId; readonly profile: string; readonly reason: string }[];
}

/** Reads the journal's memory and every store as it stands; nothing that runs is asked. */
export async function readDiskState(from: HostPlaces): Promise<DiskState> {
  const { keys, membership } = from.identity;
  const text = await readFile(join(from.home, journalFileName), 'utf8').catch(() => '');
  const node = nodeIdOf(keys.signing.publicKey);
  const { copies, accounts } = loadJournal(text, node).contents;
  const memory: Memory[] = [];
  for (const [key, copy] of copies) memory.push({ kind: 'copy', key, copy });
  for (const { account } of accounts.values()) memory.push({ kind: 'account', account });
  const directories = await createStoreDiscovery(from.places).look();
  let state = createAgentState({
    node,
    name: membership.name,
    fleet: membership.fleet,
    config: withCreation(from.config, directories),
    memory,
    overview: await readOverview(from.home),
    run: 'offline',
  });
  const now = Date.now();
  const fingerprint = (secret: string) => fingerprintSecret(membership.secrets.fingerprintKey, secret);
  const context = { fingerprint, now, clockOffsetMs: 0, sharing: sharingTools(from.places) };
  const skipped: DiskState['skipped'][number][] = [];
  for (const { store, isPresent } of directories.flatMap(({ agents }) => agents)) {
    if (!isPresent) continue;
    const parsed = await readWhole(store, context);
    for (const one of parsed.skipped) skipped.push({ store, ...one });
    const event = { type: 'store-observed', store, seen: parsed.seen } as const;
    state = transition(state, { at: now, elapsed: 0, awake: 0, seed: 0, event }).state;
  }
  return { state, directories, skipped };
}

/** A store that OpenClaw is just writing is read again. */
async function readWhole(store: StoreId, context: ReadContext): Promise<ParsedStore> {
  const adapter = adapterOf(store);
  let parsed = parseRead(adapter.read(store), context);
  for (const pauseMs of partialRetriesMs) {
    if (!parsed.partial) break;
    await wait(pauseMs);
    parsed = parseRead(adapter.read(store), context);
  }
  return parsed;
}
