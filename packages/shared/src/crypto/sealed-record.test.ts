import { randomBytes } from 'node:crypto';
import { accountId, type Fingerprint, type FleetId, type Sealed } from '@authmesh/shared/core/identifiers';
import type { Credential } from '@authmesh/shared/protocol/credential';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintSecret } from './fingerprint.ts';
import { createFleetSecrets, openFleetSecrets, sealFleetSecrets } from './fleet-secrets.ts';
import { openRecord, type RecordDraft, sealRecord } from './sealed-record.ts';
import { open, seal, sealedChars } from './secretbox.ts';
import { createSigningKey, nodeIdOf, signText } from './signing.ts';

const { fleetKey } = createFleetSecrets();
const fleet = 'a'.repeat(32) as FleetId;
const account = accountId('oauth', 'openai', 'acct_1');

function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

function draft(changes: Partial<RecordDraft> = {}): RecordDraft {
  const credential: Credential = {
    kind: 'oauth',
    provider: 'openai-codex',
    access: randomSecret(),
    refresh: randomSecret(),
    expiresAt: 2_000_000_000_000,
    details: { accountId: 'acct_1', nested: { list: [1, null, 'é'] } },
  };
  return { fleet, account, generation: 3, originKey: createSigningKey(), credential, ...changes };
}

function sealedOf(made: ReturnType<typeof sealRecord>): Sealed {
  if ('problem' in made) throw new Error(made.problem);
  return made.sealed;
}

function problemOf(sealed: Sealed, expected: Partial<Parameters<typeof openRecord>[1]> = {}): string {
  const opened = openRecord(sealed, { fleetKey, fleet, ...expected });
  return 'problem' in opened ? opened.problem : '';
}

/** Seals what no honest node would. */
function forge(content: unknown, signature?: string): Sealed {
  const record = JSON.stringify(content);
  const key = createSigningKey();
  return seal(
    Buffer.from(JSON.stringify({ record, signature: signature ?? signText(key, Buffer.from(record)) })),
    fleetKey,
  );
}

describe('a sealed record', () => {
  it('gives back what was sealed, byte for byte, and never the same text twice', () => {
    const made = draft();
    const sealed = sealedOf(sealRecord(made, fleetKey));
    const opened = openRecord(sealed, { fleetKey, fleet, account, generation: 3 });
    const origin = nodeIdOf(made.originKey.publicKey);
    const { originKey, ...rest } = made;
    expect(opened).toEqual({ record: { ...rest, origin, originKey: originKey.publicKey } });
    expect(sealedOf(sealRecord(made, fleetKey))).not.toBe(sealed);
  });

  it('is refused under another key, fleet, account or generation, each with its own sentence', () => {
    const sealed = sealedOf(sealRecord(draft(), fleetKey));
    expect(problemOf(sealed, { fleetKey: randomBytes(32) })).toContain('cannot be opened');
    expect(problemOf(sealed, { fleet: 'b'.repeat(32) as FleetId })).toContain('belongs to fleet');
    expect(problemOf(sealed, { account: accountId('oauth', 'openai', 'acct_2') })).toContain('another account');
    expect(problemOf(sealed, { generation: 4 })).toContain('generation 3');
  });

  it('is refused when a member forged it in the name of another', () => {
    const { originKey, ...rest } = draft();
    const content = { ...rest, originKey: originKey.publicKey, origin: nodeIdOf(originKey.publicKey) };
    expect(problemOf(forge(content))).toContain('signature');
    expect(problemOf(forge({ ...content, origin: 'c'.repeat(32) }))).toContain('not its key');
    expect(problemOf(forge({ ...content, generation: 0 }))).toContain('form');
  });

  it('stays closed after any flipped bit and for any text at all', () => {
    const sealed = sealedOf(sealRecord(draft(), fleetKey));
    const bytes = Buffer.from(sealed, 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), bit => {
        const bent = Buffer.from(bytes);
        bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(problemOf(bent.toString('base64') as Sealed)).not.toBe('');
      }),
    );
    fc.assert(fc.property(fc.string(), text => void expect(problemOf(text as Sealed)).not.toBe('')));
    fc.assert(fc.property(fc.uint8Array(), plain => void expect(problemOf(seal(plain, fleetKey))).not.toBe('')));
  });

  it('may hold an absurdly nested field without bringing the reader down', () => {
    const { originKey, ...rest } = draft();
    const content = { ...rest, originKey: originKey.publicKey, origin: nodeIdOf(originKey.publicKey) };
    const record = JSON.stringify(content).replace('"acct_1"', () => '['.repeat(50_000) + ']'.repeat(50_000));
    const signature = signText(originKey, Buffer.from(record));
    expect(problemOf(seal(Buffer.from(JSON.stringify({ record, signature })), fleetKey))).not.toBe('');
  });

  it('is not made when no frame could carry it', () => {
    const credential = { ...draft().credential, details: { note: 'x'.repeat(200_000) } };
    const made = sealRecord(draft({ credential }), fleetKey);
    expect(made).toEqual({ problem: expect.stringMatching(/\d+ bytes; more than/) });
  });
});

describe('a secretbox', () => {
  it('opens with its own key alone, and its length is known before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), plain => {
        const key = randomBytes(32);
        const sealed = seal(plain, key);
        expect(sealed.length).toBe(sealedChars(plain.length));
        expect(Buffer.from(open(sealed, key) ?? [])).toEqual(Buffer.from(plain));
        expect(open(sealed, randomBytes(32))).toBeUndefined();
      }),
    );
  });

  it('carries the fleet’s secrets to the holder of one code', () => {
    const secrets = createFleetSecrets();
    const boxKey = randomBytes(32);
    const sealed = sealFleetSecrets(secrets, boxKey);
    expect(openFleetSecrets(sealed, boxKey)).toEqual(secrets);
    expect(openFleetSecrets(sealed, randomBytes(32))).toBeUndefined();
    expect(openFleetSecrets(seal(Buffer.from('{"fleetKey":"AA=="}'), boxKey), boxKey)).toBeUndefined();
  });
});

it('a fingerprint depends on key and secret, and on nothing else', () => {
  const key = randomBytes(32);
  const secret = randomSecret();
  const made: Fingerprint = fingerprintSecret(key, secret);
  expect(made).toMatch(/^[0-9a-f]{32}$/);
  expect(fingerprintSecret(key, secret)).toBe(made);
  expect(fingerprintSecret(randomBytes(32), secret)).not.toBe(made);
  expect(fingerprintSecret(key, `${secret} `)).not.toBe(made);
});
