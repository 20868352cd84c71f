import { basename } from 'node:path';
import { agentDatabase, sharedDatabase } from './formats/sqlite-schema.ts';
import { toolFormats } from './formats/tool-formats.ts';
import { jsonStore } from './json-store.ts';
import { createSqliteStore } from './sqlite-store.ts';
import type { StorePort } from './store-port.ts';
import { createToolStore } from './tool-store.ts';

const adapters: ReadonlyMap<string, StorePort> = new Map([
  ...[sharedDatabase, agentDatabase].map(layout => [layout.fileName, createSqliteStore(layout)] as const),
  ...Object.values(toolFormats).map(format => [format.fileName, createToolStore(format)] as const),
]);

/** The adapter of a store: discovery looked at the host and named the file that its logins are in. */
export function adapterOf(store: string): StorePort {
  return adapters.get(basename(store)) ?? jsonStore;
}
