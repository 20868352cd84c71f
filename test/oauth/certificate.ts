import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate for loopback and its key, PEM; it vouches for itself, so it is also its own authority. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const day = 86_400_000;

/** Makes a certificate for `localhost`, 127.0.0.1 and ::1 that is good until `until` (tomorrow, if not said). */
export async function makeCertificate(until = new Date(Date.now() + day)): Promise<Certificate> {
  // Authorities are looked up by name: two of one name would hide each other.
  const name = `authmesh test ${randomBytes(8).toString('hex')}`;
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(until.getTime() - 2 * day),
    notAfterDate: until,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert, key };
}

/** Writes the authority into `folder` as a file for `NODE_EXTRA_CA_CERTS`, and returns its path. */
export async function writeAuthority(folder: string, { cert }: Certificate): Promise<string> {
  const file = join(folder, 'ca.pem');
  await writeFile(file, cert);
  return file;
}
