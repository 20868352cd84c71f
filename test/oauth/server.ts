import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as ask, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate, writeAuthority } from './certificate.ts';
import type { Behaviour, ExchangeHook, Switches } from './exchanges.ts';
import { createIssuer, type Pair } from './issuer.ts';
import { type Counts, createLedger } from './ledger.ts';
import { presentedBody } from './presented-body.ts';

export interface OAuthServerOptions {
  /** Where the authority of its certificate is written (`ca.pem`). */
  readonly folder: string;
  /** Life of its access tokens, in whole seconds. */
  readonly lifeSeconds: number;
  /** `jwt`: access tokens name their subject (`sub`) and times; `opaque` (the default): they say nothing. */
  readonly format?: 'opaque' | 'jwt' | undefined;
  readonly clientId?: string | undefined;
  readonly onExchange?: ExchangeHook | undefined;
}

/** An OAuth server of the test's own: `oidc-provider` on loopback over HTTPS, whose rotation and reuse detection are real. */
export interface OAuthServer {
  readonly tokenEndpoint: string;
  /** Answers 200 to a good access token (`Authorization: Bearer`), 401 to others. */
  readonly resourceUrl: string;
  readonly clientId: string;
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string;
  /** A fresh login of a subject, as after signing in in a browser; earlier ones of the same subject stay good. */
  readonly issue: (subject: string) => Promise<Pair>;
  readonly isAccessGood: (access: string) => boolean;
  /** Of one subject, or of all. */
  readonly counts: (subject?: string) => Counts;
  /** Replaces the whole behaviour; `behave({})` is the usual one. */
  readonly behave: (behaviour: Behaviour) => void;
  /** Replaces the hook. */
  readonly watch: (hook: ExchangeHook | undefined) => void;
  /** Presents a refresh token as a client would that knows of nobody else; whether it was good. */
  readonly spend: (refresh: string) => Promise<boolean>;
  /** Ends every login of a subject, as an administrator would. */
  readonly revoke: (subject: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts a server on a port of its own. */
export async function startOAuthServer(options: OAuthServerOptions): Promise<OAuthServer> {
  const { folder, lifeSeconds, format = 'opaque', clientId = `client-${randomBytes(8).toString('hex')}` } = options;
  const certificate = await makeCertificate();
  const caFile = await writeAuthority(folder, certificate);
  const ledger = createLedger();
  const switches: Switches = { behaviour: {}, hook: options.onExchange };
  const stopping = new AbortController();

  const server = createServer({ cert: certificate.cert, key: certificate.key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resourceUrl = `${url}/resource`;
  const { signal } = stopping;
  const presented = presentedBody();
  const issuer = createIssuer({
    url,
    resourceUrl,
    clientId,
    lifeSeconds,
    format,
    ledger,
    switches,
    presentedIn: presented.refreshIn,
    signal,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/resource') return issuer.answer(await presented.reread(request), response);
    const [, bearer = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    response.writeHead(ledger.used(bearer) ? 200 : 401).end();
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Whoever hangs up in the middle of a request gets none.
    answer(request, response).catch(() => response.destroy());
  });

  return {
    tokenEndpoint: `${url}/token`,
    resourceUrl,
    clientId,
    caFile,
    issue: issuer.issue,
    isAccessGood: ledger.isAccessGood,
    counts: ledger.counts,
    behave(behaviour) {
      switches.behaviour = behaviour;
    },
    watch(hook) {
      switches.hook = hook;
    },
    spend: refresh => spend(`${url}/token`, { refresh, clientId, ca: certificate.cert }),
    revoke: issuer.revoke,
    async stop() {
      stopping.abort();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The refresh grant of RFC 6749, 6, by a public client. */
async function spend(
  endpoint: string,
  { refresh, clientId, ca }: { readonly refresh: string; readonly clientId: string; readonly ca: string },
): Promise<boolean> {
  const grant = { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const asked = ask(endpoint, { method: 'POST', ca, headers, agent: false }).end(`${new URLSearchParams(grant)}`);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode === 200;
}
