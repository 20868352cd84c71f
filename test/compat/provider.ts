import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

/** A login as an issuer hands it out, and a name for it that assertions may show. `expires` in epoch milliseconds. */
export interface Login {
  readonly name: string;
  readonly access: string;
  readonly refresh: string;
  readonly expires: number;
}

/** The provider of the run, on loopback: a model that answers "ok", and the issuer of its logins. */
export interface Provider {
  /** Base URL of the OpenAI-compatible interface. */
  readonly url: string;
  /** The token endpoint. */
  readonly issuerUrl: string;
  /** Names of the bearers as they came over the wire, oldest first. */
  readonly bearers: readonly string[];
  /** Every refresh token that was presented: whether it was good. */
  readonly exchanges: readonly { readonly granted: boolean }[];
  /** Every secret that was issued or named, for a search in what must not hold one. */
  readonly secrets: () => readonly string[];
  /** A new login of the same account, as after signing in; `lifeMs` may be negative: it came dead. */
  issue(lifeMs: number): Login;
  /** The name of the login that has this access token. */
  nameOf(access: unknown): string | undefined;
  /** The name under which a key that was not issued here appears in `bearers`. */
  recognise(key: string, name: string): void;
  /** From now on an answer takes so long; the function says how many were being answered at once since. */
  slowDown(ms: number): () => number;
  /** From now on requests with this access token are answered with this status. */
  refuse(access: string, status: 401 | 429): void;
  close(): Promise<void>;
}

const granted = { lifeSeconds: 3_600 };

/** Starts the provider. Refresh tokens are single-use: a second use is `invalid_grant`. */
export async function startProvider(): Promise<Provider> {
  const bearers: string[] = [];
  const exchanges: { granted: boolean }[] = [];
  const names = new Map<string, string>();
  const refusals = new Map<string, number>();
  const spendable = new Set<string>();
  const spent = new Set<string>();
  let delayMs = 0;
  let answering = 0;
  let mostAtOnce = 0;
  const issue = (lifeMs: number): Login => {
    const name = `login ${names.size + 1}`;
    const expires = Date.now() + lifeMs;
    const login = { name, access: webToken(expires), refresh: secret('refresh'), expires };
    names.set(login.access, name);
    spendable.add(login.refresh);
    return login;
  };
  const exchange = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refresh = new URLSearchParams(await text(request)).get('refresh_token') ?? '';
    const good = spendable.delete(refresh);
    exchanges.push({ granted: good });
    spent.add(refresh);
    if (!good) return reply(response, 400, { error: 'invalid_grant' });
    const next = issue(granted.lifeSeconds * 1_000);
    reply(response, 200, {
      access_token: next.access,
      refresh_token: next.refresh,
      token_type: 'Bearer',
      expires_in: granted.lifeSeconds,
    });
  };
  const complete = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const body: { stream?: boolean } = JSON.parse((await text(request)) || '{}');
    bearers.push(names.get(bearer) ?? 'unknown');
    // The models of other tools are none that is spoken here: who asked is all that is looked at.
    if (!request.url?.endsWith('/chat/completions'))
      return reply(response, 404, { error: { message: 'no such thing' } });
    const status = refusals.get(bearer);
    if (delayMs > 0) {
      answering++;
      mostAtOnce = Math.max(mostAtOnce, answering);
      await wait(delayMs);
      answering--;
    }
    if (status === 401) return reply(response, 401, { error: { message: 'invalid api key', code: 401 } });
    if (status === 429) return reply(response, 429, { error: { message: 'rate limit reached', code: 429 } });
    if (body.stream) answerInPieces(response);
    else reply(response, 200, { id: 'x', object: 'chat.completion', choices: [choice({ message: word })], usage });
  };
  const describe = async (_: IncomingMessage, response: ServerResponse): Promise<void> =>
    reply(response, 200, { expires_in: granted.lifeSeconds, scope: 'openid' });
  const server = createServer((request, response) => {
    const serve = request.url === '/token' ? exchange : request.url === '/tokeninfo' ? describe : complete;
    serve(request, response).catch(error => response.destroy(error));
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/v1`,
    issuerUrl: `${origin}/token`,
    bearers,
    exchanges,
    issue,
    secrets: () => [...names.keys(), ...spendable, ...spent],
    nameOf: access => names.get(String(access)),
    recognise: (key, name) => void names.set(key, name),
    slowDown: ms => {
      delayMs = ms;
      mostAtOnce = 0;
      return () => mostAtOnce;
    },
    refuse: (access, status) => void refusals.set(access, status),
    close: () =>
      new Promise(closed => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** Generated at run time, so that nothing in the source looks like a live token. */
export function secret(kind: string): string {
  return `compat-${kind}-${randomBytes(18).toString('base64url')}`;
}

/** An access token that says when it was issued, as most providers' do: a shorter life does not make it an older one. */
function webToken(expires: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  const claims = { iat: seconds(Date.now()), exp: seconds(expires), jti: secret('access') };
  return [part({ alg: 'EdDSA', typ: 'JWT' }), part(claims), randomBytes(64).toString('base64url')].join('.');
}

const word = { role: 'assistant', content: 'ok' };
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

function choice(part: object, reason: string | null = 'stop'): object {
  return { index: 0, ...part, finish_reason: reason };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function answerInPieces(response: ServerResponse): void {
  const chunk = (choices: readonly object[], rest: object = {}): string =>
    `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm1', choices, ...rest })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk([choice({ delta: word }, null)]));
  response.write(chunk([choice({ delta: {} })]));
  response.write(chunk([], { usage }));
  response.end('data: [DONE]\n\n');
}
