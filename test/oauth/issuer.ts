import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider, { type Configuration, type ResourceServer } from 'oidc-provider';
import { type Switches, watchExchanges } from './exchanges.ts';
import type { Ledger } from './ledger.ts';
import { createStorage } from './storage.ts';

export interface IssuerOptions {
  readonly url: string;
  readonly resourceUrl: string;
  readonly clientId: string;
  readonly lifeSeconds: number;
  readonly format: 'opaque' | 'jwt';
  readonly ledger: Ledger;
  readonly switches: Switches;
  /** The refresh token that a request presents. */
  readonly presentedIn: (request: IncomingMessage) => string | undefined;
  readonly signal: AbortSignal;
}

/** A login as it was issued; `expiresAt` in epoch milliseconds. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
  readonly expiresAt: number;
}

/** The provider itself, and its logins without a browser. */
export interface Issuer {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly issue: (subject: string) => Promise<Pair>;
  readonly revoke: (subject: string) => Promise<void>;
}

const scope = 'openid offline_access';
const fortnight = 14 * 24 * 3_600;

export function createIssuer(options: IssuerOptions): Issuer {
  const { url, resourceUrl, clientId, lifeSeconds, format, ledger } = options;
  const storage = createStorage();
  const resource: ResourceServer = {
    scope: 'use',
    audience: resourceUrl,
    accessTokenTTL: lifeSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  };
  const provider = new Provider(url, configure(options, storage.collection, resource));
  provider.use(watchExchanges({ ...options, storage }));
  provider.on('grant.revoked', (_, grant) => ledger.ended(grant));
  const callback = provider.callback();

  return {
    answer: (request, response) => callback(request, response),
    async issue(subject) {
      const client = await provider.Client.find(clientId);
      if (!client) throw new Error('the client is not registered');
      const granted = new provider.Grant({ accountId: subject, clientId });
      granted.addOIDCScope(scope);
      granted.addResourceScope(resourceUrl, 'use');
      const grant = await granted.save();
      const isJwt = format === 'jwt';
      const token = { client, accountId: subject, grantId: grant, gty: 'authorization_code' };
      const resourceServer = new provider.ResourceServer(resourceUrl, resource);
      const expiresAt = Date.now() + lifeSeconds * 1_000;
      const access = await new provider.AccessToken(
        isJwt ? { ...token, resourceServer, scope: 'use' } : { ...token, scope },
      ).save();
      const refresh = await new provider.RefreshToken(
        isJwt ? { ...token, scope: `${scope} use`, resource: resourceUrl } : { ...token, scope },
      ).save();
      ledger.issued({ subject, grant, access, refresh, endsAt: expiresAt });
      return { access, refresh, expiresAt };
    },
    async revoke(subject) {
      for (const grant of ledger.grantsOf(subject)) {
        await provider.AccessToken.adapter.revokeByGrantId(grant);
        await provider.RefreshToken.adapter.revokeByGrantId(grant);
        await provider.Grant.adapter.destroy(grant);
        ledger.ended(grant);
      }
    },
  };
}

function configure(
  { clientId, lifeSeconds }: IssuerOptions,
  adapter: NonNullable<Configuration['adapter']>,
  resource: ResourceServer,
): Configuration {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    adapter,
    clients: [
      {
        client_id: clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/signed-in'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    scopes: ['openid', 'offline_access'],
    findAccount: (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    rotateRefreshToken: true,
    ttl: { AccessToken: lifeSeconds, RefreshToken: fortnight, Grant: fortnight, IdToken: lifeSeconds },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => resource,
        useGrantedResource: () => true,
      },
    },
  };
}
