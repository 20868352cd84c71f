import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What an OpenID provider keeps, in memory, and the one thing that it does not do by itself. */
export interface Storage {
  /** One of the provider's collections, by the name of its model. */
  readonly collection: (model: string) => Adapter;
  /** Makes a spent refresh token good once more: a provider's grace. */
  readonly unspend: (refresh: string) => void;
}

/** Empty storage for one provider. */
export function createStorage(): Storage {
  const collections = new Map<string, Map<string, AdapterPayload>>();

  function entriesOf(model: string): Map<string, AdapterPayload> {
    const entries = collections.get(model) ?? new Map<string, AdapterPayload>();
    collections.set(model, entries);
    return entries;
  }

  return {
    collection: model => createCollection(entriesOf(model)),
    unspend(refresh) {
      const entries = entriesOf('RefreshToken');
      const entry = entries.get(refresh);
      if (entry) entries.set(refresh, { ...entry, consumed: undefined });
    },
  };
}

function createCollection(entries: Map<string, AdapterPayload>): Adapter {
  const findBy = async (isIt: (entry: AdapterPayload) => boolean) => [...entries.values()].find(isIt);
  return {
    async upsert(id, payload) {
      entries.set(id, payload);
    },
    find: async id => entries.get(id),
    findByUid: uid => findBy(entry => entry.uid === uid),
    findByUserCode: userCode => findBy(entry => entry.userCode === userCode),
    async consume(id) {
      const entry = entries.get(id);
      if (entry) entries.set(id, { ...entry, consumed: Math.floor(Date.now() / 1_000) });
    },
    async destroy(id) {
      entries.delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const [id, entry] of entries) if (entry.grantId === grantId) entries.delete(id);
    },
  };
}
