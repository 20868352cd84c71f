/**
 * Preloaded (`node --import`) into a program whose endpoints no setting moves: each of its HTTPS requests goes to the server of
 * the test instead (`COMPAT_SERVER`), whatever host it was for.
 */
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

const server = new URL(process.env.COMPAT_SERVER ?? '');

https.request = ((...args: unknown[]) => {
  const [first, second] = args;
  const url = first instanceof URL || typeof first === 'string' ? new URL(first) : undefined;
  const options = (url ? second : first) as https.RequestOptions | undefined;
  const answer = args.find(arg => typeof arg === 'function') as (response: http.IncomingMessage) => void;
  const path = url ? url.pathname + url.search : options?.path;
  const { method, headers } = options ?? {};
  return http.request({ hostname: server.hostname, port: server.port, method, headers, path }, answer);
}) as typeof https.request;
syncBuiltinESMExports();
