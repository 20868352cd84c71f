import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { looseValue } from '@authmesh/shared/core/secret-reading';
import { day, type Milliseconds, second } from '@authmesh/shared/core/time';
import { openSecretValue, type SecretValue, sealSecretValue } from '@authmesh/shared/crypto/sealed-secret';
import { runToEnd } from '@authmesh/shared/node/child-program';
import { parseDuration } from '@authmesh/shared/node/duration';
import { readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import { type Rotates, type RotationOrder, type RotationReport, rotatesMax } from '@authmesh/shared/protocol/rotation';
import { rotationsFile } from '../formats/rotations-file.ts';
import type { SecretDeclaration, StatedRotation } from '../formats/secret-declaration.ts';
import type { SecretErrandOptions } from './push-errands.ts';
import { lookUpSource } from './secret-reader.ts';
import { type GivenValue, putSecret, putTrouble } from './secret-target.ts';

export interface RotationErrandOptions extends SecretErrandOptions {
  readonly home: string;
}

/** Whoever wants it done by hand alone names a long time. */
const everyMsMax: Milliseconds = 36_500 * day;
/** For a service to be started again. */
const commandMs: Milliseconds = 30 * second;

/** Which secrets this host can rotate. */
export function rotatesOf(declarations: readonly SecretDeclaration[]): readonly Rotates[] {
  return declarations
    .flatMap(({ name, group, rotate }) =>
      rotate
        ? [{ name, group, everyMs: Math.min(everyMsMax, Math.max(second, parseDuration('every', rotate.every))) }]
        : [],
    )
    .slice(0, rotatesMax);
}

/** What a host does while a secret is rotated. Each step can be asked again, and comes to the same. */
export function createRotationErrands(
  options: RotationErrandOptions,
): (order: RotationOrder) => Promise<RotationReport> {
  const { home, fleet, fleetKey, declarations, now, signal } = options;
  const file = join(home, 'rotations.json');

  type Done = Pick<RotationReport, 'why' | 'isStuck' | 'value' | 'previous'>;

  async function carryOut(order: RotationOrder): Promise<Done> {
    const declaration = declarations().find(one => one.name === order.name && one.group === order.group);
    const key = JSON.stringify([order.name, order.group]);
    const known = (await readPrivateJson(file, rotationsFile)) ?? {};
    // A coordinator that brings an earlier one back would have an old value stand here again.
    const last = known[key];
    if (last && order.epoch < last.epoch) return { why: 'a later rotation was carried out here already' };
    const isBegun = order.step === 'switch' && last?.epoch === order.epoch;
    // Asked again on another link: it has had its end, and what it found then may be so no more.
    if (isBegun && last.switched) return last.switched;
    // One that was begun and has had no end cannot be given up: nobody knows how far it came.
    const refuse = (why: string): Done => ({ why, isStuck: isBegun || undefined });
    if (!declaration) return refuse('its agent.json names no such secret');
    if (declaration.to.length === 0) return refuse('its agent.json names no `to` for it');
    if (order.step === 'make') return make(order, declaration);
    const value = opened(order, order.value, 'new');
    if ('problem' in value) return refuse(`the value is not good: ${value.problem}`);
    if (order.step === 'stage') return { why: await troubleOf(declaration) };
    if (order.step === 'apply') {
      await writePrivateJson(file, { ...known, [key]: { epoch: order.epoch } });
      return putAll(declaration, value);
    }
    const previous = opened(order, order.previous, 'old');
    if ('problem' in previous) return refuse(`the previous value is not good: ${previous.problem}`);
    await writePrivateJson(file, { ...known, [key]: { epoch: order.epoch } });
    const done = await switchTo(declaration, value, previous);
    if (!done.isStuck) await writePrivateJson(file, { ...known, [key]: { epoch: order.epoch, switched: done } });
    return done;
  }

  function opened(order: RotationOrder, sealed: RotationOrder['value'], role: Role) {
    if (sealed === undefined) return { problem: 'there is none' };
    const { name, group, epoch } = order;
    // A host that was away gets it when it is back: what it is good for is its epoch.
    return openSecretValue(sealed, { nonce: nonceOf(epoch, role) }, { fleet, fleetKey, name, group, now: null });
  }

  async function make({ name, group, epoch }: RotationOrder, declaration: SecretDeclaration): Promise<Done> {
    if (!declaration.rotate) return { why: 'its agent.json does not say how to rotate it' };
    // What it could not put anywhere it could not take back either.
    const trouble = await troubleOf(declaration);
    if (trouble !== undefined) return { why: trouble };
    const previous = await currentOf(declaration, signal);
    if ('why' in previous) return previous;
    const text = await generated(declaration.rotate);
    if (typeof text !== 'string') return text;
    const common = { fleet, name, group, at: now() };
    const made = { ...common, nonce: nonceOf(epoch, 'new'), exact: text, text, isDotenv: false };
    const value = sealSecretValue(made, fleetKey);
    const before = sealSecretValue({ ...common, ...previous, nonce: nonceOf(epoch, 'old') }, fleetKey);
    if (typeof value !== 'string') return { why: value.problem };
    return typeof before === 'string' ? { value, previous: before } : { why: before.problem };
  }

  async function generated({ generate }: StatedRotation): Promise<string | { readonly why: string }> {
    if (!generate) return randomBytes(32).toString('base64url');
    const ended = await runLine(generate, {});
    if ('why' in ended) return { why: `${generate[0]} ${ended.why}` };
    const text = ended.output.trim();
    if (text.includes('\0')) return { why: `${generate[0]} printed a null byte` };
    return text === '' ? { why: `${generate[0]} printed nothing` } : text;
  }

  async function putAll(declaration: SecretDeclaration, value: GivenValue): Promise<Done> {
    for (const target of declaration.to) {
      const { why } = await putSecret(declaration.name, target, value, signal);
      if (why !== undefined) return { why };
    }
    return {};
  }

  /** Whatever fails on the way is taken back, as far as it was done. */
  async function switchTo(declaration: SecretDeclaration, value: SecretValue, previous: SecretValue): Promise<Done> {
    const { rotate = { every: '' } } = declaration;
    const why = (await attempt(declaration, rotate, value, previous)).why;
    if (why === undefined) return {};
    // An agent that ends has no time to take it back: it is asked again when it is back.
    if (signal.aborted) return { why: 'its agent was stopped in the middle of it', isStuck: true };
    const undone = await attempt(declaration, { ...rotate, verify: undefined }, previous, value);
    if (undone.why === undefined) return { why };
    // Which of the two is accepted is not known: neither may be forgotten.
    return { why: `${why}; and what was before could not be put back: ${undone.why}`, isStuck: true };
  }

  async function attempt(
    declaration: SecretDeclaration,
    { command, verify }: StatedRotation,
    value: GivenValue,
    before: GivenValue,
  ): Promise<Done> {
    const put = await putAll(declaration, value);
    if (put.why !== undefined) return put;
    for (const line of [command, verify]) {
      if (!line) continue;
      const environment = { AUTHMESH_SECRET: value.text, AUTHMESH_SECRET_BEFORE: before.text };
      const ended = await runLine(line, environment, value.text);
      if ('why' in ended) return { why: `${line[0]} ${ended.why}` };
    }
    const stands = await currentOf(declaration, signal);
    if ('why' in stands) return stands;
    return stands.text === value.text ? {} : { why: 'another value stands in its first place after the switch' };
  }

  function runLine([program = '', ...args]: readonly string[], environment: Record<string, string>, input?: string) {
    return runToEnd({ program, args, environment, input, timeoutMs: commandMs, signal });
  }

  return async order => {
    const { name, group, epoch, step } = order;
    // In the middle of a switch it is not known how far that came.
    const failed = (): Done => ({ why: 'its agent could not carry it out', isStuck: step === 'switch' || undefined });
    const { why, ...rest } = await carryOut(order).catch(failed);
    return { type: 'rotation-report', name, group, epoch, step, why: why?.slice(0, sentenceCharsMax), ...rest };
  };
}

/** The value of the first place that holds one on this host; a process has what it was started with. */
async function currentOf(
  { name, from }: SecretDeclaration,
  signal: AbortSignal,
): Promise<GivenValue | { readonly why: string }> {
  for (const source of from) {
    if ('env' in source || source.as !== undefined) continue;
    for (const lookup of await lookUpSource(name, source, signal)) {
      if (lookup.state !== 'read' || lookup.kind === 'process') continue;
      return { exact: lookup.value, text: looseValue(lookup.value).text, isDotenv: 'dotenv' in source };
    }
  }
  return { why: 'none of its stored places on this host holds a value' };
}

/** What would be in the way of a new value on this host. */
async function troubleOf({ to }: SecretDeclaration): Promise<string | undefined> {
  const troubles = await Promise.all(to.map(putTrouble));
  return troubles.find(one => one !== undefined);
}

type Role = 'new' | 'old';

/** The new value and the one before are told apart: neither can be brought in the place of the other. */
function nonceOf(epoch: number, role: Role): string {
  return `rotation ${epoch} ${role}`.padEnd(16, ' ');
}
