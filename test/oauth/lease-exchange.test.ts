import { randomBytes } from 'node:crypto';
import type { LeaseOutcome } from '@authmesh/agent/core/refresh/open-lease';
import { createLeaseExchanges } from '@authmesh/agent/io/lease-exchange';
import { createRecordVault } from '@authmesh/agent/io/record-vault';
import { accountId, type FleetId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import { createBoxKey } from '@authmesh/shared/crypto/box-key';
import { createFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { createSigningKey, nodeIdOf } from '@authmesh/shared/crypto/signing';
import { afterEach, describe, expect, it } from 'vitest';
import { answerText, type RawServer, startRawServer } from './raw-server.ts';

const secret = () => randomBytes(24).toString('base64url');
const account = accountId('oauth', 'acme', 'ann');
let server: RawServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** One exchange with a server that answers with `fields`, on a host whose clock differs so much from the fleet’s. */
async function exchangeOn(
  { clockOffsetMs }: { readonly clockOffsetMs: number },
  fields: Readonly<Record<string, unknown>>,
) {
  server = await startRawServer(null, socket =>
    socket.end(answerText(200, JSON.stringify({ access_token: secret(), refresh_token: secret(), ...fields }))),
  );
  const tokenEndpoint = `http://127.0.0.1:${server.port}/token`;
  const signing = createSigningKey();
  const fleet = String(nodeIdOf(signing.publicKey)) as FleetId;
  const vault = createRecordVault(
    { signing, box: createBoxKey() },
    { fleet, name: 'host', coordinatorKey: '', secrets: createFleetSecrets() },
  );
  const old = {
    kind: 'oauth',
    provider: 'acme',
    access: secret(),
    refresh: secret(),
    expiresAt: null,
    details: {},
  } as const;
  const [access, refresh] = [vault.fingerprint(old.access), vault.fingerprint(old.refresh)];
  vault.put(access, old);
  return new Promise<LeaseOutcome>(resolve => {
    const exchanges = createLeaseExchanges({
      vault,
      keeper: { writeNow: async () => undefined },
      lent: { lend: async () => ({ isHeld: () => true, giveBack: async () => undefined, release: () => undefined }) },
      providers: () => new Map([['acme', { tokenEndpoint, clientId: 'client-1', body: 'form', rotates: true }]]),
      elapsed: () => 0,
      clockOffsetMs: () => clockOffsetMs,
      onEnded: (_account, _epoch, outcome) => resolve(outcome),
    });
    exchanges.begin({ type: 'exchange', account, epoch: 1, access, refresh, holders: [], generation: 1, before: hour });
  });
}

describe('the end of what a lease has brought is told in the fleet’s time', () => {
  const exp = Math.floor((Date.now() + 10 * hour) / 1_000);
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const webToken = [part({ alg: 'none' }), part({ sub: 'ann', exp }), secret()].join('.');

  it.each<[string, number, Readonly<Record<string, unknown>>, number]>([
    ['by the token’s own word, on a host that is slow', -2 * hour, { access_token: webToken }, exp * 1_000],
    ['by the token’s own word, on a host that is fast', 2 * hour, { access_token: webToken }, exp * 1_000],
    ['by the life that the answer tells', -2 * hour, { expires_in: 36_000 }, Date.now() + 12 * hour],
    ['by the life of what tells none', -2 * hour, {}, Date.now() + 3 * hour],
  ])('%s', async (_, clockOffsetMs, fields, expected) => {
    const outcome = await exchangeOn({ clockOffsetMs }, fields);
    const end = 'renewed' in outcome ? outcome.renewed.expiresAt : undefined;
    expect(Math.abs((end ?? 0) - expected)).toBeLessThan(minute);
  });
});
