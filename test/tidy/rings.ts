import { importsOf, resolveSpecifier } from './source.ts';
import type { ProjectFile } from './tree.ts';

interface Ring {
  readonly folder: string;
  readonly ring: number;
  /** Why what lies further out must not be known here. */
  readonly reason: string;
}

/** From the inside out; `docs/` describes them. A file belongs to the first folder that fits. */
export const rings: readonly Ring[] = [
  {
    folder: 'packages/shared/src/core/',
    ring: 0,
    reason: 'the rules are plain language: whatever they import would have to be simulated with them',
  },
  {
    folder: 'packages/shared/src/protocol/',
    ring: 1,
    reason: 'a message means the same to every program, whatever runs it',
  },
  {
    folder: 'packages/shared/src/crypto/',
    ring: 1,
    reason: 'cryptography works on bytes and keys, and is tested without any program around it',
  },
  {
    folder: 'packages/agent/src/core/',
    ring: 2,
    reason: 'the machine runs in the simulator as it runs on a host, so it knows no driver, disk or socket',
  },
  {
    folder: 'packages/coordinator/src/core/',
    ring: 2,
    reason: 'the machine runs in the simulator as it runs on a host, so it knows no driver, store or socket',
  },
  {
    folder: 'packages/shared/src/runtime/',
    ring: 3,
    reason: 'one driver runs either machine, so it knows neither program',
  },
  {
    folder: 'packages/shared/src/node/',
    ring: 3,
    reason: 'what a process needs is the same for both programs, so it knows neither',
  },
  {
    folder: 'packages/agent/src/io/',
    ring: 4,
    reason: 'an adapter does one thing for the machine and is wired in agent.ts alone',
  },
  {
    folder: 'packages/coordinator/src/io/',
    ring: 4,
    reason: 'an adapter does one thing for the machine and is wired in coordinator.ts alone',
  },
  {
    folder: 'packages/coordinator/src/store/',
    ring: 4,
    reason: 'an engine keeps records behind one port and knows neither the machine’s rules nor who asks',
  },
  {
    folder: 'packages/agent/src/cli/',
    ring: 6,
    reason: 'a command is the outermost: nothing builds on it',
  },
  {
    folder: 'packages/coordinator/src/cli/',
    ring: 6,
    reason: 'a command is the outermost: nothing builds on it',
  },
  {
    folder: 'packages/agent/src/',
    ring: 5,
    reason: 'this is the only place that wires adapters to the machine; commands build on it',
  },
  {
    folder: 'packages/coordinator/src/',
    ring: 5,
    reason: 'this is the only place that wires adapters to the machine; commands build on it',
  },
];

function ringOf(path: string): Ring | undefined {
  return rings.find(({ folder }) => path.startsWith(folder));
}

function packageOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Imports that go outwards, across the two programs, or in a form that hides where they lead; each with the reason. */
export function findRingProblems(sources: readonly ProjectFile[]): string[] {
  const problems: string[] = [];
  for (const source of sources) {
    const here = ringOf(source.path);
    if (!here) continue;
    for (const { specifier } of importsOf(source)) {
      const target = resolveSpecifier(source.path, specifier);
      if (target === undefined) continue;
      const there = ringOf(target);
      const [own, other] = [packageOf(source.path), packageOf(target)];
      const line = `${source.path} imports ${specifier}`;
      if (!there) {
        problems.push(`${line}, which is in no ring: published code imports published code alone`);
      } else if (own !== 'shared' && other !== 'shared' && own !== other) {
        problems.push(
          `${line}: agent and coordinator are installed on different hosts; what both need is in @authmesh/shared`,
        );
      } else if (there.ring > here.ring) {
        problems.push(`${line}, from ring ${here.ring} out to ring ${there.ring}: ${here.reason}`);
      } else if (specifier.startsWith('.') && there.folder !== here.folder) {
        problems.push(`${line}: another ring is imported by its package's name, so that one sees where it leads`);
      }
    }
  }
  return problems;
}
