import { randomBytes } from 'node:crypto';
import type { InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInviteSecret, deriveInviteKeys } from './invite-keys.ts';
import { decodeJoinCode, encodeJoinCode, type JoinCode } from './join-code.ts';
import { createSigningKey } from './signing.ts';

function sample(changes: Partial<JoinCode> = {}): JoinCode {
  return {
    urls: ['ws://10.0.0.7:7420', 'wss://fleet.example.net'],
    coordinatorKey: createSigningKey().publicKey,
    ...createInviteSecret(),
    founder: null,
    ...changes,
  };
}

function problemOf(text: string): string {
  const decoded = decodeJoinCode(text);
  return 'problem' in decoded ? decoded.problem : '';
}

describe('a join code', () => {
  it('is one word and comes back whole, also when it was wrapped in pasting', () => {
    const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('hex'));
    fc.assert(
      fc.property(fc.option(hex), hex, (founder, invite) => {
        const code = sample({ founder: founder as NodeId | null, invite: invite as InviteId });
        const text = encodeJoinCode(code);
        expect(text).toMatch(/^authmesh1[\w-]+$/);
        expect(decodeJoinCode(text)).toEqual({ code });
        expect(decodeJoinCode(`  ${text.slice(0, 70)}\n   ${text.slice(70)}\r\n`)).toEqual({ code });
      }),
    );
  });

  it('says what is wrong with a text that is none, is of another version, cut short or mistyped', () => {
    const text = encodeJoinCode(sample());
    expect(problemOf('')).toContain('not a join code');
    expect(problemOf('hello')).toContain('not a join code');
    expect(problemOf(text.replace('authmesh1', 'authmesh2'))).toContain('version 2');
    expect(problemOf('authmesh1')).toContain('incomplete');
    for (let length = 9; length < text.length; length++)
      expect(problemOf(text.slice(0, length))).toContain('incomplete');
    for (let at = 9; at < text.length; at += 5) {
      const other = text[at] === 'A' ? 'B' : 'A';
      expect(problemOf(text.slice(0, at) + other + text.slice(at + 1))).toContain('incomplete');
    }
    expect(problemOf(`${text.slice(0, 40)}%${text.slice(40)}`)).toContain('incomplete');
  });

  it('never repeats any of itself in what it says', () => {
    const text = encodeJoinCode(sample());
    fc.assert(
      fc.property(fc.integer({ min: 10, max: text.length - 1 }), length => {
        expect(problemOf(text.slice(0, length))).not.toContain(text.slice(9, 17));
      }),
    );
  });

  it('never throws, and takes no address but a websocket’s', () => {
    fc.assert(fc.property(fc.string(), text => void expect(problemOf(`authmesh1${text}`)).not.toBe('')));
    expect(problemOf(encodeJoinCode(sample({ urls: ['file:///etc/passwd'] })))).toContain('does not understand');
    expect(problemOf(encodeJoinCode(sample({ urls: [] })))).toContain('does not understand');
  });
});

it('an invite’s keys follow from its secret and tell nothing of each other', () => {
  const secret = randomBytes(32);
  const keys = deriveInviteKeys(secret);
  expect(deriveInviteKeys(secret).signing.publicKey).toBe(keys.signing.publicKey);
  expect(deriveInviteKeys(secret).boxKey).toEqual(keys.boxKey);
  expect(Buffer.from(keys.signing.seed)).not.toEqual(Buffer.from(keys.boxKey));
  expect(deriveInviteKeys(randomBytes(32)).signing.publicKey).not.toBe(keys.signing.publicKey);
});
