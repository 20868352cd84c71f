import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { textOfBytes } from './key-text.ts';
import {
  createSigningKey,
  importPublicKey,
  nodeIdOf,
  shortKeyName,
  sign,
  signingKeyFromSeed,
  signText,
  verify,
  verifyNow,
  verifyText,
  verifyTextNow,
} from './signing.ts';

/** RFC 8032 §7.1: seed, public key, message, signature. The keys are those of the standard and open nothing. */
const vectors: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    createHash('sha512').update('abc').digest('hex'),
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

function imported(text: string) {
  const key = importPublicKey(text);
  if (!key) throw new Error('the key of the test is not one');
  return key;
}

describe('Ed25519', () => {
  it.each(vectors)('gives what RFC 8032 §7.1 says for seed %#', async (seed, publicKey, message, signature) => {
    const key = signingKeyFromSeed(Buffer.from(seed, 'hex'));
    const bytes = Buffer.from(message, 'hex');
    expect(Buffer.from(key.publicKey, 'base64').toString('hex')).toBe(publicKey);
    expect(Buffer.from(sign(key, bytes)).toString('hex')).toBe(signature);
    expect(await verify(imported(key.publicKey), bytes, Buffer.from(signature, 'hex'))).toBe(true);
    const other = nacl.sign.keyPair.fromSeed(Buffer.from(seed, 'hex'));
    expect(Buffer.from(nacl.sign.detached(bytes, other.secretKey)).toString('hex')).toBe(signature);
  });

  it('and tweetnacl verify each other’s signatures and have the same keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 300 }),
        async (seed, bytes) => {
          const ours = signingKeyFromSeed(seed);
          const theirs = nacl.sign.keyPair.fromSeed(seed);
          expect(ours.publicKey).toBe(textOfBytes(theirs.publicKey));
          expect(nacl.sign.detached.verify(bytes, new Uint8Array(sign(ours, bytes)), theirs.publicKey)).toBe(true);
          const detached = nacl.sign.detached(bytes, theirs.secretKey);
          expect(await verify(imported(ours.publicKey), bytes, detached)).toBe(true);
          expect(verifyNow(imported(ours.publicKey), bytes, detached)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('refuses every single flipped bit, another key and another length', async () => {
    const key = createSigningKey();
    const bytes = randomBytes(40);
    const signature = sign(key, bytes);
    for (let bit = 0; bit < 512; bit += 7) {
      const bent = Uint8Array.from(signature);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await verify(imported(key.publicKey), bytes, bent)).toBe(false);
    }
    expect(await verify(imported(createSigningKey().publicKey), bytes, signature)).toBe(false);
    expect(await verify(imported(key.publicKey), bytes, signature.subarray(0, 63))).toBe(false);
  });

  it('answers any text for a key or a signature, and takes one spelling of each alone', async () => {
    const key = createSigningKey();
    const bytes = randomBytes(10);
    const signature = signText(key, bytes);
    expect(await verifyText(key.publicKey, bytes, signature)).toBe(true);
    expect(await verifyText(` ${key.publicKey}`, bytes, signature)).toBe(false);
    expect(verifyTextNow(key.publicKey, bytes, signature.replace('==', ''))).toBe(false);
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (publicKey, text) => {
        expect(await verifyText(publicKey, bytes, text)).toBe(false);
        expect(verifyTextNow(key.publicKey, bytes, text)).toBe(false);
      }),
    );
    expect(() => signingKeyFromSeed(randomBytes(31))).toThrow(RangeError);
  });

  it('names a node by its key', () => {
    const { publicKey } = createSigningKey();
    expect(nodeIdOf(publicKey)).toMatch(/^[0-9a-f]{32}$/);
    expect(shortKeyName(publicKey)).toMatch(/^(\w{4}-){3}\w{4}$/);
    expect(nodeIdOf(publicKey)).not.toBe(nodeIdOf(createSigningKey().publicKey));
  });

  it('keeps a bounded number of imported keys and goes on', () => {
    const first = importPublicKey(createSigningKey().publicKey);
    const many = Array.from({ length: 10_050 }, () => textOfBytes(randomBytes(32)));
    expect(many.map(importPublicKey).every(key => key !== undefined)).toBe(true);
    expect(first).toBeDefined();
  });
});
