import { importsOf, libraryOf, resolveSpecifier } from './source.ts';
import { isTest, type ProjectFile } from './tree.ts';

interface Library {
  readonly name: string;
  /** Where it is imported: one file a side, or one kind of file where that is the point of the library. */
  readonly places: readonly (string | RegExp)[];
  readonly reason: string;
}

/** Every third-party library of the published code, and where it lives. Replacing one is then the change of one file. */
export const libraries: readonly Library[] = [
  {
    name: 'ws',
    places: ['packages/agent/src/io/coordinator-socket.ts', 'packages/coordinator/src/io/peer-socket.ts'],
    reason: 'a socket is bytes in and bytes out to everything else',
  },
  {
    name: 'chokidar',
    places: ['packages/agent/src/io/store-watcher.ts'],
    reason: 'watching has gaps of its own, which one file makes up for',
  },
  {
    name: 'jsonc-parser',
    places: ['packages/agent/src/io/formats/json-document.ts'],
    reason: 'stores are edited in place by one file, which keeps every other byte',
  },
  {
    name: 'prom-client',
    places: ['packages/coordinator/src/io/metrics.ts'],
    reason: 'what is counted is decided in one place',
  },
  {
    name: 'node:sqlite',
    places: [
      'packages/shared/src/node/sqlite.ts',
      'packages/coordinator/src/store/sqlite-store.ts',
      'packages/agent/src/io/sqlite-file.ts',
    ],
    reason: 'one file opens databases, for one engine behind one port',
  },
  {
    name: 'oauth4webapi',
    places: ['packages/agent/src/io/token-endpoint.ts'],
    reason: 'one file makes and judges the only request that spends a refresh token',
  },
  {
    name: 'undici',
    places: ['packages/shared/src/node/http-request.ts'],
    reason: 'one file knows whether a request can have left this host, through a proxy or not',
  },
  {
    name: 'tweetnacl',
    places: ['packages/shared/src/crypto/secretbox.ts'],
    reason: 'what seals a credential is reviewed in one file',
  },
  {
    name: 'pino',
    places: ['packages/shared/src/node/logger.ts'],
    reason: 'one file sees to it that no secret is logged',
  },
  {
    name: 'commander',
    places: ['packages/shared/src/node/command-line.ts'],
    reason: 'commands are data; how they are parsed is one file’s matter',
  },
  {
    name: 'plist',
    places: ['packages/shared/src/node/service/launchd-agent.ts'],
    reason: 'property lists are read and written in one place',
  },
  {
    name: 'zod',
    places: [
      /^packages\/shared\/src\/(?:protocol|crypto)\//,
      /^packages\/shared\/src\/node\/(?:configuration|control|instance-lock|private-file)[^/]*$/,
      'packages/shared/src/node/alerts/alert-channel.ts',
      /^packages\/agent\/src\/(?:io\/(?:config|identity|overview-file|formats\/[^/]+)|cli\/control)\.ts$/,
      /^packages\/coordinator\/src\/(?:io\/(?:coordinator-file|keys|proof)|store\/(?:account-row|rows)|cli\/(?:address|control|status))\.ts$/,
    ],
    reason: 'input is parsed once, at the edge where it comes in: messages, files, rows, configuration',
  },
];

/** Libraries outside their place, unlisted ones, and places that are not used any more. */
export function findLibraryProblems(sources: readonly ProjectFile[], known: readonly Library[] = libraries): string[] {
  const problems: string[] = [];
  const published = sources.filter(source => source.path.startsWith('packages/') && /\/src\//.test(source.path));
  const used = new Set<string | RegExp>();
  for (const source of published.filter(one => !isTest(one))) {
    for (const { specifier } of importsOf(source)) {
      const name = libraryOf(specifier);
      const library = known.find(one => one.name === name);
      if (!library) {
        const isOurs = resolveSpecifier(source.path, specifier) !== undefined || name.startsWith('node:');
        if (!isOurs) problems.push(`${source.path} imports ${name}, which is not listed in test/tidy/libraries.ts`);
        continue;
      }
      const place = library.places.find(one => (typeof one === 'string' ? one === source.path : one.test(source.path)));
      if (place === undefined) problems.push(`${source.path} imports ${name}: ${library.reason}`);
      else used.add(place);
    }
  }
  for (const { name, places } of known) {
    for (const place of places) {
      if (!used.has(place)) problems.push(`${name} is not imported in ${place} any more: take the line off the list`);
    }
  }
  return problems;
}
