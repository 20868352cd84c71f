/**
 * A process of the host that loads OpenClaw's own credential-store code and calls it on request: its locks, its reads
 * and its writes as they are, without three seconds of start-up for each.
 *
 * Run as `node openclaw-code.ts <dist>` with an IPC channel. Requests are `{id, call, args}`, replies `{id, value}` or
 * `{id, error}`. The chunk is found by the names it exports, since its file name changes with every release.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const wanted = ['setAuthProfileOrder', 'upsertAuthProfile'] as const;
/** In the same chunk in 2026.2.12 alone. */
const welcome = ['ensureAuthProfileStore', 'markAuthProfileUsed'] as const;

type Call = (params?: unknown) => unknown;

/** The chunk's minified export names by the names of the source; `entry.js` would start the command line. */
function findChunk(dist: string): { readonly file: string; readonly aliases: ReadonlyMap<string, string> } {
  for (const name of readdirSync(dist)) {
    if (!/\.m?js$/.test(name)) continue;
    const source = readFileSync(join(dist, name), 'utf8');
    if (/from "\.\/entry\.m?js"/.test(source)) continue;
    const exported = /export \{([^}]*)\};?\s*$/.exec(source)?.[1] ?? '';
    const aliases = new Map(
      exported.split(',').map(entry => {
        const [local = '', alias = local] = entry.trim().split(' as ');
        return [local, alias];
      }),
    );
    if (wanted.every(local => aliases.has(local))) return { file: join(dist, name), aliases };
  }
  throw new Error(`no chunk under ${dist} exports ${wanted.join(', ')}`);
}

const [, , dist = ''] = process.argv;
const { file, aliases } = findChunk(dist);
const chunk: Record<string, Call> = await import(pathToFileURL(file).href);
const real = (name: (typeof wanted | typeof welcome)[number]): Call => {
  const found = chunk[aliases.get(name) ?? name];
  if (!found) throw new Error(`${file} does not export ${name}`);
  return found;
};

/** `used` takes the store that the caller has in memory, as a running turn does. */
const calls: Readonly<Record<string, (args: object) => unknown>> = {
  order: args => real('setAuthProfileOrder')(args),
  used: args => real('markAuthProfileUsed')({ store: real('ensureAuthProfileStore')(), ...args }),
  upsert: args => real('upsertAuthProfile')(args),
};

interface Request {
  readonly id: number;
  readonly call: string;
  readonly args: object;
}

process.on('message', async ({ id, call, args }: Request) => {
  try {
    process.send?.({ id, value: (await calls[call]?.(args)) ?? null });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ canMark: welcome.every(name => aliases.has(name)) });
