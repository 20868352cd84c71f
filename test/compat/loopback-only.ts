/**
 * Preloaded (`node --import`) into every OpenClaw process of the run: nothing it does leaves this machine.
 *
 * A connection to anything but loopback is refused before a name is looked up, and noted in the file that
 * `COMPAT_REFUSED` names. Requests to the providers' token endpoints go to the issuer of the test instead
 * (`COMPAT_ISSUER`), so that OpenClaw's own refresh runs as it is. With `COMPAT_SILENT` a request that may not leave is never
 * answered, nor is the question for a name's address, as behind a firewall that drops what it does not like. How long that takes
 * otherwise does not depend on this machine's resolver: OpenClaw asks for the address before it sends anything.
 */
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

const tokenEndpoints = ['https://chat.qwen.ai/api/v1/oauth2/token', 'https://api.chutes.ai/idp/token'];
const loopback = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/;

function refuse(host: string): Error {
  const file = process.env.COMPAT_REFUSED;
  if (file) appendFileSync(file, `${host}\n`);
  return Object.assign(new Error(`${host} is not on this machine`), { code: 'ENETUNREACH' });
}

/** `connect` takes an options object, a port and host, or a path; Node wraps them in an array of its own at times. */
function hostOf(args: readonly unknown[]): string | undefined {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'object' && first !== null) {
    const { path, host } = first as { path?: unknown; host?: unknown };
    return path === undefined || path === null ? String(host ?? 'localhost') : undefined;
  }
  return typeof first === 'number' ? (typeof second === 'string' ? second : 'localhost') : undefined;
}

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(args);
  if (host === undefined || loopback.test(host)) return Reflect.apply(connect, this, args);
  const error = refuse(host);
  process.nextTick(() => this.destroy(error));
  return this;
};

/** Nothing comes, and the process waits for it. */
const silence = () => void setInterval(() => {}, 60_000);

/** A name outside has no address: that is said after a while, as by a resolver far away, or never. */
const resolveMs = 300;
const noAddress = (host: string) => Object.assign(refuse(host), { code: 'ENOTFOUND', syscall: 'getaddrinfo' });

const { lookup } = dns;
const { lookup: lookupSoon } = dns.promises;
dns.lookup = ((host: string, ...rest: unknown[]) => {
  if (loopback.test(host)) return Reflect.apply(lookup, dns, [host, ...rest]);
  const callback = rest.at(-1) as (error: Error) => void;
  if (process.env.COMPAT_SILENT) silence();
  else setTimeout(() => callback(noAddress(host)), resolveMs);
}) as typeof lookup;
dns.promises.lookup = ((host: string, ...rest: unknown[]) => {
  if (loopback.test(host)) return Reflect.apply(lookupSoon, dns.promises, [host, ...rest]);
  return new Promise((_, reject) => {
    if (process.env.COMPAT_SILENT) silence();
    else setTimeout(() => reject(noAddress(host)), resolveMs);
  });
}) as typeof lookupSoon;
syncBuiltinESMExports();

const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : String(input));
  const issuer = process.env.COMPAT_ISSUER;
  if (issuer && tokenEndpoints.includes(url.href)) return realFetch(issuer, init);
  if (!/^https?:$/.test(url.protocol) || loopback.test(url.hostname)) return realFetch(input, init);
  const error = refuse(url.hostname);
  if (process.env.COMPAT_SILENT) return new Promise(silence);
  throw new TypeError('fetch failed', { cause: error });
};
