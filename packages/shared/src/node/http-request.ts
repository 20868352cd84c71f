import type { IncomingHttpHeaders } from 'node:http';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { Dispatcher } from 'undici';
import { readBody } from './http-body.ts';

/*
 * One request whose end says whether the other side can have got it. A request starts when its connection stands (through the
 * proxy, where there is one, and with the certificate checked), and not one byte of it is written before.
 */

export interface HttpRequest {
  readonly method: 'POST' | 'GET';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a POST. */
  readonly body?: string | undefined;
  /** For all of it, from looking up the name to the last byte of the answer. */
  readonly timeoutMs: Milliseconds;
  /** When that time began (`performance.now()`): loading a library for the first time takes some of it. */
  readonly begunAt: Milliseconds;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly end: 'answered';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `why` is for the operator: it names the host, and nothing of what was sent or answered. */
export type HttpEnd =
  | HttpAnswer
  /** Nothing of it can have reached the other side. */
  | { readonly end: 'unsent'; readonly why: string }
  /** It may have. */
  | { readonly end: 'unanswered'; readonly why: string };

/** An answer ends here, however long it is: no tokens do. */
const answerBytesMax = 1024 * 1024;

/**
 * Sends it once, over one connection of its own, and follows no redirect. `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count;
 * certificates are checked as Node does it (`NODE_EXTRA_CA_CERTS`). Never throws.
 */
export async function sendRequest(request: HttpRequest): Promise<HttpEnd> {
  const { host } = request.url;
  let agent: Dispatcher;
  try {
    // 26 MB and 190 ms that a program which never asks anybody does not pay for.
    const undici = await import('undici');
    // Without TLS it is this host, and in the open: no way for a proxy.
    const isPlain = request.url.protocol === 'http:';
    agent = isPlain ? new undici.Agent() : new undici.EnvHttpProxyAgent({ allowH2: false });
  } catch (error) {
    const isUrl = codeOf(error) === 'ERR_INVALID_URL';
    const why = isUrl ? 'HTTPS_PROXY or HTTP_PROXY is not a URL' : `its HTTP client does not start (${codeOf(error)})`;
    return { end: 'unsent', why: `${host} cannot be asked: ${why}` };
  }
  try {
    return await dispatch(agent, request);
  } finally {
    await agent.destroy().catch(() => undefined);
  }
}

function dispatch(
  agent: Dispatcher,
  { method, url, headers, body, timeoutMs, begunAt }: HttpRequest,
): Promise<HttpEnd> {
  const { host } = url;
  return new Promise(resolve => {
    let hasStarted = false;
    let isOver = false;
    let head: Pick<HttpAnswer, 'status' | 'headers'> | undefined;
    let bytes = 0;
    const chunks: Buffer[] = [];
    const timer = setTimeout(
      () => {
        const why = hasStarted
          ? `${host} gave no answer within ${timeoutMs / second} s`
          : `no connection to ${host} came about within ${timeoutMs / second} s`;
        finish({ end: hasStarted ? 'unanswered' : 'unsent', why });
      },
      begunAt + timeoutMs - performance.now(),
    );

    function finish(end: HttpEnd): void {
      isOver = true;
      clearTimeout(timer);
      resolve(end);
    }

    function finishAnswer(): void {
      if (head)
        finish({ end: 'answered', ...head, body: readBody(Buffer.concat(chunks), head.headers, answerBytesMax) });
    }

    function fail(error: unknown): void {
      const code = codeOf(error);
      if (hasStarted) finish({ end: 'unanswered', why: explainCut(host, code, head?.status) });
      else finish({ end: 'unsent', why: explainUnsent(host, code, error) });
    }

    const request = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      // Where nothing is said any coding would do (RFC 9110, 12.5.3).
      headers: { 'accept-encoding': 'identity', ...headers },
      body: body ?? null,
    };
    try {
      agent.dispatch(request, {
        onRequestStart(controller) {
          // What was told as unsent stays unsent, and what was written once is not written again.
          if (isOver || hasStarted) controller.abort(new Error('it is over'));
          else hasStarted = true;
        },
        onResponseStart(_, status, answered) {
          head = { status, headers: answered };
        },
        onResponseData(controller, chunk) {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes <= answerBytesMax) return;
          finishAnswer();
          controller.abort(new Error('it is long enough'));
        },
        onResponseEnd() {
          finishAnswer();
        },
        onResponseError(_, error) {
          fail(error);
        },
      });
    } catch (error) {
      fail(error);
    }
  });
}

function explainCut(host: string, code: string, status: number | undefined): string {
  return status === undefined
    ? `the connection to ${host} was cut before it answered (${code})`
    : `the connection to ${host} was cut in the middle of its answer ${status} (${code})`;
}

const causes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no address is found for its name',
  EAI_AGAIN: 'its name cannot be looked up at the moment',
  ECONNREFUSED: 'the connection is refused',
  EHOSTUNREACH: 'there is no way to it from this host',
  ENETUNREACH: 'there is no way to it from this host',
  ETIMEDOUT: 'no connection comes about',
  UND_ERR_CONNECT_TIMEOUT: 'no connection comes about',
  UND_ERR_PRX_CONN: 'the proxy cuts the connection',
  UND_ERR_PRX_TLS: 'the certificate of the proxy is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired, or this host’s clock is wrong',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or this host’s clock is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** What OpenSSL says of a chain that leads to nobody it trusts. */
const untrusted = /^(?:SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|CERT_UNTRUSTED)/;

function explainUnsent(host: string, code: string, error: unknown): string {
  const cause = untrusted.test(code)
    ? 'nobody this host trusts vouches for its certificate (NODE_EXTRA_CA_CERTS names further authorities)'
    : causes[code];
  const refusal = /^Proxy response \((\d{3})\)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (refusal !== undefined) return `${host} cannot be reached: the proxy refuses a tunnel to it (${refusal})`;
  const proxied = isProxySet() ? '; a proxy is set in this program’s environment' : '';
  return `${host} cannot be reached${cause === undefined ? '' : `: ${cause}`} (${code})${proxied}`;
}

function isProxySet(): boolean {
  return ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].some(name => process.env[name]);
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^\w+$/.test(code) ? code : 'no code';
}
