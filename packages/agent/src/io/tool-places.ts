import { dirname, join } from 'node:path';
import type { ToolName } from '@authmesh/agent/core/tools';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { expandPath } from '@authmesh/shared/node/home-path';
import type { Environment } from './formats/tool-format.ts';
import { toolFormats } from './formats/tool-formats.ts';
import type { StateDirectory, StorePlaces, ToolPlace } from './state-directory.ts';

/** Where a tool keeps its login, unless it is told otherwise. */
export function usualFile(tool: ToolName, environment: Environment): string {
  const { usualFolder, fileName } = toolFormats[tool];
  return join(expandPath(usualFolder(environment)), fileName);
}

/** The tools whose logins are OpenClaw's as well, by this host's configuration. */
export function sharingTools({ tools = [] }: StorePlaces): ReadonlySet<ToolName> {
  return new Set(tools.flatMap(({ tool, sharesLogins }) => (sharesLogins ? [tool] : [])));
}

/** A tool's file as a folder with one store, in which nothing but that login is written. */
export function toolDirectory({ tool, file }: ToolPlace, isPresent: boolean): StateDirectory {
  const { title } = toolFormats[tool];
  return {
    stateDir: dirname(file),
    tool,
    generation: isPresent ? 'json' : 'none',
    // Each reads its file when it starts; none can be told to read it anew.
    gatewaySees: 'all',
    agents: [{ id: tool, store: file as StoreId, isPresent }],
    foreign: [],
    noHold: `${title} knows no marks that would hold it`,
    noCreation: `log in there once with ${title} itself`,
  };
}
