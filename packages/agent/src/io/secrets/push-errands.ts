import type { SecretErrand } from '@authmesh/agent/core/effect';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { looseValue } from '@authmesh/shared/core/secret-reading';
import type { Instant } from '@authmesh/shared/core/time';
import {
  openSecretOrder,
  openSecretValue,
  type SecretExpectation,
  type SecretOrder,
  sealSecretValue,
} from '@authmesh/shared/crypto/sealed-secret';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { TargetResult } from '@authmesh/shared/protocol/push';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { SecretDeclaration } from '../formats/secret-declaration.ts';
import { lookUpSource } from './secret-reader.ts';
import { putSecret } from './secret-target.ts';

type Give = Extract<SecretErrand, { type: 'give-secret' }>;
type Take = Extract<SecretErrand, { type: 'take-secret' }>;
type Given = Extract<UpMessage, { type: 'secret-given' }>;
type Taken = Extract<UpMessage, { type: 'secret-taken' }>;

export interface SecretErrandOptions {
  readonly fleet: FleetId;
  readonly fleetKey: Uint8Array;
  readonly declarations: () => readonly SecretDeclaration[];
  /** By the coordinator's clock. */
  readonly now: () => Instant;
  readonly signal: AbortSignal;
}

/** What a host does while a secret is spread: it gives a value that an operator ordered, or puts one where it belongs. */
export function createPushErrands(options: SecretErrandOptions): (errand: Give | Take) => Promise<Given | Taken> {
  const { fleet, fleetKey, declarations, now, signal } = options;
  /** Of each secret, when the last order that was carried out was given: an older one comes too late. */
  const latest = new Map<string, Instant>();

  const declarationOf = ({ name, group }: Give | Take) =>
    declarations().find(one => one.name === name && one.group === group);
  const expectation = ({ name, group }: Give | Take): SecretExpectation => ({
    fleet,
    fleetKey,
    name,
    group,
    now: now(),
  });

  async function give(errand: Give): Promise<Given> {
    const { push, place } = errand;
    const refuse = (why: string): Given => ({ type: 'secret-given', push, why: why.slice(0, sentenceCharsMax) });
    const order = openSecretOrder(errand.order, expectation(errand));
    if ('problem' in order) return refuse(`the order is not good: ${order.problem}`);
    const declaration = declarationOf(errand);
    if (!declaration) return refuse('its agent.json names no such secret');
    const reasons: string[] = [];
    for (const source of declaration.from) {
      if (source.as !== place) continue;
      for (const lookup of await lookUpSource(declaration.name, source, signal)) {
        if (lookup.state !== 'read') {
          reasons.push(`${lookup.source}: ${lookup.state === 'missing' ? 'it is not there' : lookup.why}`);
          continue;
        }
        const { text } = looseValue(lookup.value);
        const isDotenv = 'dotenv' in source;
        const content = { ...orderName(order), exact: lookup.value, text, isDotenv };
        const value = sealSecretValue({ ...content, at: now() }, fleetKey);
        return typeof value === 'string' ? { type: 'secret-given', push, value } : refuse(value.problem);
      }
    }
    return refuse(reasons.length > 0 ? reasons.join('; ') : 'it reads no value there');
  }

  async function take(errand: Take): Promise<Taken> {
    const { push } = errand;
    const refuse = (why: string): Taken => ({ type: 'secret-taken', push, results: [], why });
    const order = openSecretOrder(errand.order, expectation(errand));
    if ('problem' in order) return refuse(`the order is not good: ${order.problem}`);
    const value = openSecretValue(errand.value, order, expectation(errand));
    if ('problem' in value) return refuse(`the value is not good: ${value.problem}`);
    const key = JSON.stringify([order.name, order.group]);
    if (order.at < (latest.get(key) ?? 0)) return refuse('a later order was carried out already');
    latest.set(key, order.at);
    const results: TargetResult[] = [];
    for (const target of declarationOf(errand)?.to ?? [])
      results.push(await putSecret(order.name, target, value, signal));
    return { type: 'secret-taken', push, results };
  }

  return errand => (errand.type === 'give-secret' ? give(errand) : take(errand));
}

function orderName({
  fleet,
  name,
  group,
  nonce,
}: SecretOrder): Pick<SecretOrder, 'fleet' | 'name' | 'group' | 'nonce'> {
  return { fleet, name, group, nonce };
}
