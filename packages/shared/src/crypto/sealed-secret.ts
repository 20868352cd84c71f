import type { FleetId, Sealed } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { sealedCharsMax } from '@authmesh/shared/protocol/fields';
import { z } from 'zod';
import { parseJson } from './json-text.ts';
import { open, seal, sealedChars } from './secretbox.ts';

/*
 * What travels when a secret is spread. Whoever has the fleet's key is a member, and the coordinator has none: it cannot make an
 * order, nor read or change a value. One that it kept and sends again later is too old; one that it sends elsewhere
 * names another secret.
 */

/** How long an order is good for: clocks are compared, and what is asked for is waited for. */
const goodForMs: Milliseconds = 5 * minute;

const which = {
  fleet: z.string(),
  name: z.string(),
  group: z.string().optional(),
  /** Of the order, at random. */
  nonce: z.string().min(16).max(64),
  /** By the coordinator's clock, as the sender knows it. */
  at: z.number(),
};

const secretOrder = z.strictObject({ type: z.literal('secret-order'), ...which, from: z.string().optional() });
const secretValue = z.strictObject({
  type: z.literal('secret-value'),
  ...which,
  /** As it stands where it comes from, with quotes. */
  exact: z.string(),
  /** Without them. */
  text: z.string(),
  /** `exact` is in the form of a dotenv file. */
  isDotenv: z.boolean(),
});

/** An operator's wish to spread a secret. */
export type SecretOrder = Omit<z.output<typeof secretOrder>, 'type'>;
/** The value that goes with an order. */
export type SecretValue = Omit<z.output<typeof secretValue>, 'type'>;

/** Seals an order for the fleet. */
export function sealSecretOrder(order: SecretOrder, fleetKey: Uint8Array): Sealed {
  return seal(bytesOf({ type: 'secret-order', ...order }), fleetKey);
}

/** Seals a value for the fleet; `problem` when it is larger than any frame takes. */
export function sealSecretValue(value: SecretValue, fleetKey: Uint8Array): Sealed | { readonly problem: string } {
  const bytes = bytesOf({ type: 'secret-value', ...value });
  if (sealedChars(bytes.length) > sealedCharsMax) return { problem: 'the value is larger than a message can carry' };
  return seal(bytes, fleetKey);
}

/** What the opener holds an order or a value against. */
export interface SecretExpectation {
  readonly fleetKey: Uint8Array;
  readonly fleet: FleetId;
  readonly name: string;
  readonly group?: string | undefined;
  /** By the coordinator's clock, as the opener knows it; null where a later moment is as good. */
  readonly now: Instant | null;
}

/** Opens an order; `problem` is a sentence for the operator. */
export function openSecretOrder(
  sealed: Sealed,
  expected: SecretExpectation,
): SecretOrder | { readonly problem: string } {
  return checked(secretOrder.safeParse(contentOf(sealed, expected)).data, expected);
}

/** Opens a value, which has to go with this order. */
export function openSecretValue(
  sealed: Sealed,
  order: Pick<SecretOrder, 'nonce'>,
  expected: SecretExpectation,
): SecretValue | { readonly problem: string } {
  const value = checked(secretValue.safeParse(contentOf(sealed, expected)).data, expected);
  return 'problem' in value || value.nonce === order.nonce ? value : { problem: 'it was sealed for another order' };
}

function checked<Content extends SecretOrder | SecretValue>(
  content: Content | undefined,
  { fleet, name, group, now }: SecretExpectation,
): Content | { readonly problem: string } {
  if (!content) return { problem: 'it cannot be opened with the fleet key of this host' };
  if (content.fleet !== fleet) return { problem: 'it belongs to another fleet' };
  if (content.name !== name || content.group !== group) return { problem: 'it is of another secret' };
  if (now !== null && Math.abs(now - content.at) > goodForMs) return { problem: 'it is too old, or a clock is wrong' };
  return content;
}

function contentOf(sealed: Sealed, { fleetKey }: SecretExpectation): unknown {
  const plain = open(sealed, fleetKey);
  return plain && parseJson(plain);
}

function bytesOf(content: object): Uint8Array {
  return Buffer.from(JSON.stringify(content), 'utf8');
}
