import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { attestBytes, type Challenged } from '@authmesh/shared/crypto/handshake-bytes';
import { createSigningKey, verifyText } from '@authmesh/shared/crypto/signing';
import type { Attest } from '@authmesh/shared/protocol/handshake';
import { WebSocketServer } from 'ws';

/** Bare `ws` with a challenge: the proof is verified on the thread pool, and that is all. Prints its address. */
const { publicKey } = createSigningKey();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4_096 });

server.on('connection', socket => {
  const challenge: Challenged = { protocol: 1, protocolMin: 1, nonce: randomBytes(32).toString('base64'), publicKey };
  socket.send(JSON.stringify({ type: 'challenge', ...challenge }));
  socket.on('message', async data => {
    const attest = JSON.parse(String(data)) as Attest;
    const isProven = await verifyText(attest.publicKey, attestBytes(challenge, attest), attest.signature);
    socket.send(JSON.stringify(isProven ? { type: 'welcome' } : { type: 'refused' }));
  });
});
server.on('listening', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
