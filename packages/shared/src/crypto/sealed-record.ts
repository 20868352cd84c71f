import type { AccountId, FleetId, Sealed } from '@authmesh/shared/core/identifiers';
import {
  type Credential,
  type CredentialRecord,
  credentialRecord,
  signedRecord,
} from '@authmesh/shared/protocol/credential';
import { sealedCharsMax } from '@authmesh/shared/protocol/fields';
import { parseJson } from './json-text.ts';
import { open, seal, sealedChars } from './secretbox.ts';
import { nodeIdOf, type SigningKey, signText, verifyTextNow } from './signing.ts';

/** A credential about to travel: everything inside is signed by the origin before it is sealed. */
export interface RecordDraft {
  readonly fleet: FleetId;
  readonly account: AccountId;
  /** The predecessor's generation plus one. */
  readonly generation: number;
  readonly originKey: SigningKey;
  readonly credential: Credential;
}

/** What the reader of a sealed record holds it against. */
export interface RecordExpectation {
  readonly fleetKey: Uint8Array;
  readonly fleet: FleetId;
  /** What the coordinator announced: a record of another account or generation was swapped in. */
  readonly account?: AccountId | undefined;
  readonly generation?: number | undefined;
}

const domainTag = Buffer.from('authmesh credential record 1\0');

function signedBytes(record: string): Uint8Array {
  return Buffer.concat([domainTag, Buffer.from(record, 'utf8')]);
}

/** Signs and seals a credential for the fleet; `problem` when it is larger than any frame takes. */
export function sealRecord(
  draft: RecordDraft,
  fleetKey: Uint8Array,
): { readonly sealed: Sealed } | { readonly problem: string } {
  const { fleet, account, generation, originKey, credential } = draft;
  const origin = nodeIdOf(originKey.publicKey);
  const content: CredentialRecord = {
    fleet,
    account,
    generation,
    origin,
    originKey: originKey.publicKey,
    credential,
  };
  const record = JSON.stringify(content);
  const plain = Buffer.from(JSON.stringify({ record, signature: signText(originKey, signedBytes(record)) }), 'utf8');
  if (sealedChars(plain.length) > sealedCharsMax) {
    return { problem: `the profile's entry has ${plain.length} bytes; more than an announcement can carry` };
  }
  return { sealed: seal(plain, fleetKey) };
}

/**
 * Opens a sealed record and holds it against what is expected. `problem` is a sentence for the operator and names
 * nothing of the content. The caller still compares the secrets' fingerprints with the announced ones.
 */
export function openRecord(
  sealed: Sealed,
  expected: RecordExpectation,
): { readonly record: CredentialRecord } | { readonly problem: string } {
  const plain = open(sealed, expected.fleetKey);
  if (!plain) return { problem: 'the record cannot be opened with the fleet key of this node' };
  const outer = signedRecord.safeParse(parseJson(plain));
  if (!outer.success) return { problem: 'the record is not of a form that this version knows' };
  const record = parseRecord(outer.data.record);
  if (!record) return { problem: 'the record holds a credential of a form that this version does not know' };
  if (nodeIdOf(record.originKey) !== record.origin)
    return { problem: 'the record names an origin that is not its key' };
  if (!verifyTextNow(record.originKey, signedBytes(outer.data.record), outer.data.signature)) {
    return { problem: `the record's signature is not that of its origin ${record.origin}` };
  }
  if (record.fleet !== expected.fleet) {
    return { problem: `the record belongs to fleet ${record.fleet}, this node to ${expected.fleet}` };
  }
  if (expected.account !== undefined && record.account !== expected.account) {
    return { problem: 'the record belongs to another account than the one it was announced for' };
  }
  if (expected.generation !== undefined && record.generation !== expected.generation) {
    return { problem: `the record is of generation ${record.generation}, announced was ${expected.generation}` };
  }
  return { record };
}

function parseRecord(text: string): CredentialRecord | undefined {
  try {
    return credentialRecord.safeParse(parseJson(text)).data;
  } catch (error) {
    // A field nested deeper than the stack is as unknown a form as any other.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
