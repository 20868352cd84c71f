import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, watch, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';

/*
 * The durable signed prototype: the least that a file on another host costs when each hop signs and verifies.
 *
 *     relay.ts source FILE URL    reads the file at each event of its folder, signs, sends
 *     relay.ts hub                verifies, signs anew, sends on; prints its address
 *     relay.ts target FILE URL    verifies, writes beside, syncs, renames
 *
 * All sign with one key: what signing costs does not depend on whose it is.
 */

const [role, file = '', url = ''] = process.argv.slice(2);
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
// A frame carries the key that verifies it: who may speak is not what is measured here.
const spki = publicKey.export({ format: 'der', type: 'spki' });
const signatureBytes = 64;

function signed(payload: Uint8Array): Buffer {
  return Buffer.concat([sign(null, payload, privateKey), spki, payload]);
}

const keys = new Map<string, KeyObject>();

/** The payload of a frame whose signature holds. */
function opened(frame: Buffer): Buffer {
  const der = frame.subarray(signatureBytes, signatureBytes + spki.length);
  const payload = frame.subarray(signatureBytes + spki.length);
  const name = der.toString('base64');
  const key = keys.get(name) ?? createPublicKey({ key: der, format: 'der', type: 'spki' });
  keys.set(name, key);
  if (!verify(null, payload, key, frame.subarray(0, signatureBytes))) throw new Error('a signature does not hold');
  return payload;
}

function source(): void {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let last = '';
  socket.on('open', () => {
    watch(dirname(file), (_, name) => {
      if (name !== basename(file)) return;
      const text = readFileSync(file, 'utf8');
      if (text === last) return;
      last = text;
      socket.send(signed(Buffer.from(text)));
    });
    console.log('ready');
  });
}

function hub(): void {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', socket => {
    socket.on('message', data => {
      const frame = signed(opened(data as Buffer));
      for (const other of server.clients) if (other !== socket) other.send(frame);
    });
  });
  server.on('listening', () => console.log(`ws://127.0.0.1:${(server.address() as { port: number }).port}`));
}

function target(): void {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const temporary = `${file}.incoming`;
  socket.on('message', data => {
    const payload = opened(data as Buffer);
    const descriptor = openSync(temporary, 'w', 0o600);
    writeSync(descriptor, payload);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(temporary, file);
  });
  socket.on('open', () => console.log('ready'));
}

if (role === 'source') source();
else if (role === 'hub') hub();
else target();
