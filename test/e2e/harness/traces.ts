import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The ways in which bytes may leave a trace: plain, backwards, hex, and base64 of both alphabets at each alignment. */
export function formsOf(secret: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  const forms = [bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  for (const before of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The characters at both ends hold bits of the neighbours.
    const own = shifted.slice(before === 0 ? 0 : before + 1, -1);
    forms.push(own, own.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [bytes, Buffer.from(bytes).reverse(), ...forms.map(form => Buffer.from(form))];
}

/** Whether any form of the secret is in the bytes. */
export function holds(bytes: Buffer, secret: string | Buffer): boolean {
  return formsOf(secret).some(form => bytes.includes(form));
}

/** Every file under a folder; sockets and links aside. */
export function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

/** The files under a folder that hold the secret in any form. */
export function filesWith(folder: string, secret: string | Buffer): readonly string[] {
  return filesUnder(folder)
    .filter(path => holds(readFileSync(path), secret))
    .toSorted();
}
