import type { Provider } from '@authmesh/agent/core/providers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { type HttpAnswer, type HttpEnd, sendRequest } from '@authmesh/shared/node/http-request';
import { type Credential, credential as credentialSchema, secretCharsMax } from '@authmesh/shared/protocol/credential';
import type { AuthorizationServer, Client } from 'oauth4webapi';
import { formOf, isPage, parseObject, parseTokenForm } from './answer-text.ts';
import { expiryAheadMsMax } from './formats/expiry.ts';
import { readClaims } from './formats/json-web-token.ts';
import { type Refusal, readRefusal } from './token-refusal.ts';

/** What became of a refresh token that was taken to its provider. `why` is for the operator: no token, nothing of a body. */
export type ExchangeOutcome =
  /** The tokens that count from now on; `expiresAt` is null where the provider says nothing of an end. */
  | { readonly result: 'renewed'; readonly credential: Credential }
  /** Nothing can have reached the provider. */
  | { readonly result: 'unsent'; readonly why: string }
  | Refusal
  /** The token may have been spent, and what it bought is lost. */
  | { readonly result: 'unanswered'; readonly why: string };

export interface ExchangeOptions {
  readonly provider: Provider;
  /** Its `refresh` is spent. */
  readonly credential: Credential;
  /**
   * By the fleet's clock, which a token's own word for its end is taken to be by; at the beginning: a life that is counted
   * from here never ends too late.
   */
  readonly now: Instant;
  /** For the whole exchange. */
  readonly timeoutMs?: Milliseconds | undefined;
}

const timeoutMsDefault: Milliseconds = 30 * second;
/** What is left of a life, however much the provider's clients take off. */
const lifeMsMin: Milliseconds = 30 * second;

/** One RFC 6749 refresh grant. It is never tried twice, and never throws. */
export async function exchangeRefreshToken(options: ExchangeOptions): Promise<ExchangeOutcome> {
  const plan = planExchange(options.provider, options.credential);
  if ('why' in plan) return { result: 'unsent', why: plan.why };
  const { host } = plan.url;
  let end: HttpEnd;
  try {
    end = await ask(plan, options);
  } catch {
    // The grant is made, and posted, in one go: what fails before that has sent nothing.
    return { result: 'unsent', why: `the request to ${host} could not be made` };
  }
  if (end.end !== 'answered') return { result: end.end, why: end.why };
  if (end.status < 200 || end.status > 299) return readRefusal(host, end, options.now);
  return readTokens(plan, end, options);
}

interface Plan {
  readonly url: URL;
  readonly clientId: string;
  readonly refresh: string;
}

/** What has to be known before anything is sent, or what of it is missing. */
function planExchange(provider: Provider, { details, refresh }: Credential): Plan | { readonly why: string } {
  const url = URL.parse(provider.tokenEndpoint);
  if (!url) return { why: 'the token endpoint is not a URL' };
  // A token is good for the client that it was issued to: another's use of it reads as a dead login (RFC 6749, 5.2).
  const clientId = [provider.clientId, details.clientId, provider.defaultClientId].find(isFilled);
  if (clientId === undefined) {
    return { why: `neither the provider nor the login names a client id for ${url.host}` };
  }
  if (refresh === undefined) return { why: `the login has no refresh token for ${url.host}` };
  if (url.protocol !== 'https:' && !isLoopback(url)) {
    return { why: `${url.host} would get the refresh token in plain sight: its endpoint is not HTTPS` };
  }
  return { url, clientId, refresh };
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function partiesOf({ url, clientId }: Plan): readonly [AuthorizationServer, Client] {
  return [{ issuer: url.origin, token_endpoint: url.href }, { client_id: clientId }];
}

/** Lets the library make the grant, and posts it; rejects only when it was not posted. */
async function ask(plan: Plan, { provider, timeoutMs = timeoutMsDefault }: ExchangeOptions): Promise<HttpEnd> {
  const begunAt = performance.now();
  const oauth = await import('oauth4webapi');
  const authentication =
    provider.clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(provider.clientSecret);
  return new Promise((resolve, reject) => {
    oauth
      .refreshTokenGrantRequest(...partiesOf(plan), authentication, plan.refresh, {
        additionalParameters: { ...provider.parameters },
        headers: { 'user-agent': 'authmesh' },
        [oauth.allowInsecureRequests]: isLoopback(plan.url),
        [oauth.customFetch]: async (_, { headers, body }) => {
          resolve(
            await sendRequest({
              method: 'POST',
              url: plan.url,
              ...encode(provider.body, headers, body),
              timeoutMs,
              begunAt,
            }),
          );
          // What came back is read by its end: the library knows only whole answers.
          return Response.error();
        },
      })
      .catch(reject);
  });
}

function encode(form: Provider['body'], headers: Readonly<Record<string, string>>, body: URLSearchParams) {
  if (form === 'form') return { headers, body: body.toString() };
  return {
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(body)),
  };
}

async function readTokens(plan: Plan, answer: HttpAnswer, options: ExchangeOptions): Promise<ExchangeOutcome> {
  const { host } = plan.url;
  const { credential: old, provider, now } = options;
  const document = parseObject(answer.body) ?? parseTokenForm(answer.body);
  if (!document) {
    const why = `${host} answered ${answer.status}${formOf(answer) || ' with nothing'}`;
    // A page was made on the way, or before the token was looked at. Whatever else it is may be the next pair.
    return { result: isPage(answer) ? 'postponed' : 'unanswered', why };
  }
  const tokens = await validate(plan, document);
  if (!tokens) return { result: 'unanswered', why: `${host} answered ${answer.status} without an access token` };
  const { access_token: access, refresh_token: refresh = plan.refresh, expires_in: seconds } = tokens;
  if (isAnotherAccount(old, access)) {
    return { result: 'refused', why: 'the provider answered with the login of another account' };
  }
  if (access === old.access && refresh === plan.refresh) {
    return { result: 'postponed', why: `${host} answered ${answer.status} with the tokens that were to be renewed` };
  }
  const renewed = credentialSchema.safeParse({
    ...old,
    access,
    refresh,
    idToken: isIdToken(document.id_token) ? document.id_token : old.idToken,
    expiresAt: seconds === undefined ? endOf(access, old, now) : now + lifeMs(seconds, provider.expirySkewMs),
  });
  // All else was in the old credential, or is a time within its bounds.
  return renewed.success
    ? { result: 'renewed', credential: renewed.data }
    : { result: 'unanswered', why: `${host} answered ${answer.status} with a token of more than 32 KiB` };
}

/**
 * The library's judgement of the fields that are used. Only of those, and never of the token's type: an answer that is odd
 * elsewhere has spent the old refresh token all the same, and must not be thrown away. An ID token, which nobody relies on
 * here, is not verified.
 */
async function validate(plan: Plan, { access_token, refresh_token, expires_in }: Readonly<Record<string, unknown>>) {
  const oauth = await import('oauth4webapi');
  const seconds = typeof expires_in === 'string' ? Number(expires_in) : expires_in;
  const used = {
    ...(isFilled(access_token) ? { access_token } : {}),
    token_type: 'bearer',
    ...(isFilled(refresh_token) ? { refresh_token } : {}),
    ...(typeof seconds === 'number' && seconds > 0 && seconds * second < expiryAheadMsMax
      ? { expires_in: seconds }
      : {}),
  };
  return oauth.processRefreshTokenResponse(...partiesOf(plan), Response.json(used)).catch(() => undefined);
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isIdToken(value: unknown): value is string {
  return isFilled(value) && value.length <= secretCharsMax;
}

/** Whether both access tokens say whose they are, and it is not the same. */
function isAnotherAccount({ access: old, provider }: Credential, access: string): boolean {
  const [before, after] = [readClaims(old, provider), readClaims(access, provider)];
  const differs = (one: string | undefined, other: string | undefined) =>
    one !== undefined && other !== undefined && one !== other;
  return before.account !== undefined && after.account !== undefined
    ? differs(before.account, after.account)
    : differs(before.subject, after.subject);
}

function lifeMs(seconds: number, skewMs: Milliseconds = 0): Milliseconds {
  const whole = seconds * second;
  return Math.floor(Math.max(whole - skewMs, Math.min(whole, lifeMsMin)));
}

function endOf(access: string, { provider }: Credential, now: Instant): Instant | null {
  const { expiresAt } = readClaims(access, provider);
  return expiresAt === undefined || expiresAt >= now + expiryAheadMsMax ? null : expiresAt;
}
