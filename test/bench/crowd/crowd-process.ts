import { randomBytes, randomInt } from 'node:crypto';
import { returnDelayMs } from '@authmesh/shared/core/backoff';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { attestBytes, type Challenged, sessionIdOf } from '@authmesh/shared/crypto/handshake-bytes';
import { createSessionCodec } from '@authmesh/shared/crypto/session-codec';
import {
  importPublicKey,
  nodeIdOf,
  type SigningKey,
  signingKeyFromSeed,
  signText,
} from '@authmesh/shared/crypto/signing';
import { type DownMessage, downMessage } from '@authmesh/shared/protocol/down';
import type { Attest } from '@authmesh/shared/protocol/handshake';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { monotonicMs } from '../statistics.ts';
import type { Crowd, Order, Report } from './orders.ts';
import { openRawClient, type RawClient } from './raw-client.ts';
import { observationOf } from './shared-logins.ts';

/** Many agents in one process, as far as a server can tell them from real ones. */

const broadcastDomain = 0x02;
const payloadAt = 64;
const syncedText = Buffer.from('{"type":"synced"');
const hour = 3_600_000;

let clients: RawClient[] = [];
let announced = 0;
let isLeaving = false;

function tell(report: Report): void {
  process.send?.(report);
}

process.on('message', (order: Order) => {
  if (order.type === 'connect') connectAll(order.crowd);
  else disconnectAll();
});

function connectAll(crowd: Crowd): void {
  const keys = crowd.seeds.map(seed => signingKeyFromSeed(Buffer.from(seed, 'base64')));
  const observations = Array.from({ length: crowd.profiles }, (_, index) =>
    observationOf(index, 0, Date.now() + 8 * hour),
  );
  isLeaving = false;
  clients = [];
  const arrivals = countArrivals(keys.length);
  for (const key of keys) {
    if (crowd.isInsistent) insist(crowd, key, observations, arrivals);
    else clients.push(openMember(crowd, key, observations, isThere => arrivals.settle(isThere)));
  }
}

/** Tells when all are there, or were refused; and again each time when all that were cut off are back. */
function countArrivals(expected: number): { settle: (isThere: boolean) => void; leave: () => void } {
  let beganAt = monotonicMs();
  let there = 0;
  let refused = 0;
  let longestMs = 0;
  return {
    settle(isThere) {
      if (isThere) there++;
      else refused++;
      longestMs = Math.max(longestMs, monotonicMs() - beganAt);
      if (there + refused === expected) tell({ type: 'connected', at: monotonicMs(), longestMs, beganAt, refused });
    },
    leave() {
      if (there === expected) {
        beganAt = monotonicMs();
        longestMs = 0;
      }
      there--;
    },
  };
}

/** A member that comes again as the agent does: by the moment that it was given, else by its own back-off. */
function insist(
  crowd: Crowd,
  key: SigningKey,
  observations: Observation[],
  arrivals: ReturnType<typeof countArrivals>,
): void {
  let attempt = 0;
  const dial = () => {
    let wasThere = false;
    const client = openMember(
      crowd,
      key,
      observations,
      isThere => {
        wasThere = isThere;
        if (!isThere) return;
        attempt = 0;
        arrivals.settle(true);
      },
      retryAfterMs => {
        clients = clients.filter(other => other !== client);
        if (wasThere) arrivals.leave();
        if (!isLeaving) setTimeout(dial, returnDelayMs(++attempt, randomInt(2 ** 32), { retryAfterMs }));
      },
    );
    clients.push(client);
  };
  dial();
}

function openMember(
  crowd: Crowd,
  key: SigningKey,
  observations: Observation[],
  settle: (isThere: boolean) => void,
  closed: (retryAfterMs: number | undefined) => void = () => undefined,
): RawClient {
  let isSettled = false;
  let challenge: Challenged | undefined;
  let attest: Attest | undefined;
  const end = (isThere: boolean) => {
    if (isSettled) return;
    isSettled = true;
    settle(isThere);
  };
  const client = openRawClient(new URL(crowd.url), {
    opened() {
      if (crowd.until === 'opened') end(true);
    },
    text(text) {
      const message = JSON.parse(text) as { type: string };
      if (message.type === 'challenge') {
        const { type: _, ...facts } = message as Challenged & { type: string };
        challenge = facts;
        attest = proofOf(facts, key, crowd.fleet as FleetId);
        client.sendText(JSON.stringify(attest));
      } else if (message.type !== 'welcome' || !challenge || !attest) end(false);
      else if (crowd.until === 'welcome') end(true);
      else client.sendFrame(inventoryOf(challenge, attest, key, observations));
    },
    frame(bytes) {
      if (crowd.until === 'opened' || bytes[payloadAt] === broadcastDomain) countAnnouncement(bytes.length);
      else if (bytes.subarray(payloadAt + 1, payloadAt + 1 + syncedText.length).equals(syncedText)) end(true);
    },
    closed(retryAfterMs) {
      end(false);
      closed(retryAfterMs);
      if (!isLeaving) return;
      clients = clients.filter(other => other !== client);
      if (clients.length === 0) tell({ type: 'disconnected' });
    },
  });
  return client;
}

function countAnnouncement(frameBytes: number): void {
  announced++;
  if (announced < clients.length) return;
  announced = 0;
  tell({ type: 'announced', at: monotonicMs(), frameBytes });
}

function disconnectAll(): void {
  isLeaving = true;
  announced = 0;
  for (const { socket } of [...clients]) socket.destroy();
}

function proofOf(challenge: Challenged, key: SigningKey, fleet: FleetId): Attest {
  const facts = {
    protocol: challenge.protocol,
    serverNonce: challenge.nonce,
    nonce: randomBytes(32).toString('base64'),
    node: nodeIdOf(key.publicKey),
    publicKey: key.publicKey,
    fleet,
    role: 'daemon',
    version: '0.1.0',
    at: Date.now(),
    epoch: 1,
  } as const;
  return { type: 'attest', ...facts, signature: signText(key, attestBytes(challenge, facts)) };
}

function inventoryOf(challenge: Challenged, attest: Attest, key: SigningKey, observations: Observation[]): Uint8Array {
  const peerKey = importPublicKey(challenge.publicKey);
  if (!peerKey) throw new Error('the challenge names no key');
  const codec = createSessionCodec<UpMessage, DownMessage>({
    sessionId: sessionIdOf(challenge, attest),
    ownKey: key,
    peerKey,
    sends: 'up',
    incoming: downMessage,
  });
  const known = observations.map(({ account }) => ({ account, position: { epoch: 1, revision: 1 }, generation: 1 }));
  return codec.encode({ type: 'inventory', observations, known, last: true });
}
