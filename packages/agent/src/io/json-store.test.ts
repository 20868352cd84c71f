import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeStorePort, type OwnedStore } from './store-port-contract.ts';

function open(folder: string): OwnedStore {
  const path = join(folder, 'auth-profiles.json');
  return {
    path,
    text: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    save: text => writeFileSync(path, text),
  };
}

describeStorePort('a JSON store', open);

describeStorePort('a JSON store with its state beside it', folder => {
  const path = join(folder, 'auth-state.json');
  return {
    ...open(folder),
    state: { text: () => readFileSync(path, 'utf8'), save: text => writeFileSync(path, text) },
  };
});
