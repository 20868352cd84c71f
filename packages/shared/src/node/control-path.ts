import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writePrivateText } from './private-file.ts';

/** The kernels' limit is 104 bytes (macOS) to 108 (Linux), the terminating zero included. */
const socketPathBytesMax = 100;

/**
 * Where the control socket of `home` is, for a client. A path too long for a socket is replaced by a short one in the
 * system's temporary folder, which a file in the home points to.
 */
export async function findControlPath(home: string): Promise<string | undefined> {
  const direct = join(home, 'control.sock');
  if (Buffer.byteLength(direct) <= socketPathBytesMax) return direct;
  const pointed = await readFile(pointerFile(home), 'utf8').catch(() => undefined);
  return pointed?.trim() || undefined;
}

/** Where the daemon of `home` listens; a short path gets a folder of its own that nobody else may enter. */
export async function makeControlPath(home: string): Promise<string> {
  const direct = join(home, 'control.sock');
  if (Buffer.byteLength(direct) <= socketPathBytesMax) return direct;
  const known = await findControlPath(home);
  if (known !== undefined && (await isPrivateFolder(dirname(known)))) return known;
  const folder = await mkdtemp(join(tmpdir(), 'authmesh-'));
  await chmod(folder, 0o700);
  const path = join(folder, 's');
  await writePrivateText(pointerFile(home), `${path}\n`);
  return path;
}

/** Takes away what `makeControlPath` made. */
export async function removeControlPath(home: string, path: string): Promise<void> {
  await rm(path, { force: true });
  if (path === join(home, 'control.sock')) return;
  await rm(dirname(path), { force: true, recursive: true });
  await rm(pointerFile(home), { force: true });
}

function pointerFile(home: string): string {
  return join(home, 'control.path');
}

async function isPrivateFolder(folder: string): Promise<boolean> {
  try {
    const found = await stat(folder);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}
