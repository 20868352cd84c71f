import { randomBytes } from 'node:crypto';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  openSecretOrder,
  openSecretValue,
  type SecretExpectation,
  type SecretOrder,
  sealSecretOrder,
  sealSecretValue,
} from './sealed-secret.ts';

const fleetKey = randomBytes(32);
const fleet = 'a'.repeat(32) as FleetId;
const now = 1_000_000_000_000;
const order: SecretOrder = { fleet, name: 'KEY', nonce: 'n'.repeat(32), at: now, from: 'pc-a' };
const expected: SecretExpectation = { fleetKey, fleet, name: 'KEY', now };
const value = { fleet, name: 'KEY', nonce: order.nonce, at: now, exact: '"secret"', text: 'secret', isDotenv: true };

describe('an order to spread a secret', () => {
  it('comes out as it went in', () => {
    expect(openSecretOrder(sealSecretOrder(order, fleetKey), expected)).toMatchObject(order);
  });

  it.each([
    ['with another key', { fleetKey: randomBytes(32) }, 'cannot be opened'],
    ['of another fleet', { fleet: 'b'.repeat(32) as FleetId }, 'another fleet'],
    ['of another secret', { name: 'OTHER' }, 'another secret'],
    ['of another group', { group: 'web' }, 'another secret'],
    ['of six minutes ago', { now: now + 6 * minute }, 'too old'],
    ['of a clock that is ahead', { now: now - 6 * minute }, 'too old, or a clock is wrong'],
  ])('%s is none', (_, more, problem) => {
    const opened = openSecretOrder(sealSecretOrder(order, fleetKey), { ...expected, ...more });
    expect(opened).toEqual({ problem: expect.stringContaining(problem) });
  });
});

describe('the value that goes with it', () => {
  it('comes out as it went in, and shows nothing on the way', () => {
    const sealed = sealSecretValue(value, fleetKey);
    if (typeof sealed !== 'string') throw new Error(sealed.problem);
    expect(Buffer.from(sealed, 'base64').includes('secret')).toBe(false);
    expect(openSecretValue(sealed, order, expected)).toMatchObject(value);
  });

  it('is none for another order, nor is an order a value', () => {
    const sealed = sealSecretValue(value, fleetKey);
    if (typeof sealed !== 'string') throw new Error(sealed.problem);
    const other = { ...order, nonce: 'm'.repeat(32) };
    expect(openSecretValue(sealed, other, expected)).toEqual({ problem: 'it was sealed for another order' });
    expect(openSecretValue(sealSecretOrder(order, fleetKey), order, expected)).toHaveProperty('problem');
  });

  it('that no frame carries is said to be so', () => {
    const text = 'x'.repeat(300_000);
    expect(sealSecretValue({ ...value, exact: text, text }, fleetKey)).toHaveProperty('problem');
  });
});
