import { stat } from 'node:fs/promises';

/** A file with logins that others than its owner may read or write. */
export interface LooseMode {
  readonly path: string;
  /** As `chmod` takes it. */
  readonly mode: string;
}

const others = 0o077;

/** Which of these files are open to others; what is not there, or not to be looked at, is told elsewhere. */
export async function findLooseModes(paths: readonly string[]): Promise<readonly LooseMode[]> {
  const found = await Promise.all(
    paths.map(async (path): Promise<LooseMode[]> => {
      const stats = await stat(path).catch(() => undefined);
      return stats && (stats.mode & others) !== 0 ? [{ path, mode: (stats.mode & 0o777).toString(8) }] : [];
    }),
  );
  return found.flat();
}
