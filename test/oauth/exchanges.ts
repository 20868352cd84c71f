import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Ledger } from './ledger.ts';
import type { Storage } from './storage.ts';

/** How the token endpoint answers from now on; what is not said is as it should be. */
export interface Behaviour {
  /** How long an answer is held back; the token is spent by then. */
  readonly delayMs?: number | undefined;
  /** The connection is cut instead of an answer: after the token was spent, or before. */
  readonly cutBeforeAnswer?: boolean | undefined;
  readonly cutBeforeRotation?: boolean | undefined;
  /** Answered before anything is spent, with `retryAfter` as its header of that name. */
  readonly status?: 403 | 429 | 503 | undefined;
  readonly retryAfter?: string | undefined;
  /** A page for people instead of JSON, before anything is spent; with 200 unless `status` says otherwise. */
  readonly html?: boolean | undefined;
  /** How long a spent token is good once more, while its successor is not spent. */
  readonly graceMs?: number | undefined;
}

/**
 * Awaited when a request was read (`received`: nothing is spent yet, and what `behave` is told here holds for this request) and
 * when its token was spent and nothing answered (`rotated`).
 */
export type ExchangeHook = (stage: 'received' | 'rotated', subject: string | undefined) => void | Promise<void>;

/** Settings that a test changes while the server runs. */
export interface Switches {
  behaviour: Behaviour;
  hook: ExchangeHook | undefined;
}

interface Exchanges {
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly switches: Switches;
  readonly lifeSeconds: number;
  /** The refresh token that a request presents. */
  readonly presentedIn: (request: IncomingMessage) => string | undefined;
  readonly signal: AbortSignal;
}

/** Stands before the provider's own token endpoint: switches, hooks, counts; one exchange after the other. */
export function watchExchanges({ ledger, storage, switches, lifeSeconds, presentedIn, signal }: Exchanges) {
  let last: Promise<void> = Promise.resolve();

  /** The provider looks at a token and spends it in two steps: two at once would both find it good. */
  async function inTurn(work: () => Promise<void>): Promise<void> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    await work().finally(resolve);
  }

  function countPresented(refresh: string, subject: string | undefined): void {
    const spent = ledger.spentAgo(refresh);
    if (!spent) return;
    const isGraced = spent.isLatest && spent.ms <= (switches.behaviour.graceMs ?? -1);
    if (isGraced) storage.unspend(refresh);
    ledger.count(isGraced ? 'graced' : 'reuses', subject);
  }

  /** True: the provider answers; false: this request is dealt with. */
  function mayPass(context: KoaContextWithOIDC): boolean {
    const { status, retryAfter, html, cutBeforeRotation } = switches.behaviour;
    if (cutBeforeRotation) {
      cut(context);
    } else if (status !== undefined || html) {
      context.status = status ?? 200;
      if (retryAfter !== undefined) context.set('retry-after', retryAfter);
      if (html) context.type = 'html';
      context.body = html ? '<!doctype html><title>One moment</title>' : { error: 'temporarily_unavailable' };
    } else {
      return true;
    }
    return false;
  }

  function noteResult({ body, oidc }: KoaContextWithOIDC, refresh: string, subject: string | undefined): boolean {
    const answer = body as Readonly<Record<string, unknown>> | undefined;
    if (answer?.error === 'invalid_grant') ledger.count('refused', subject);
    const { access_token: access, refresh_token: successor } = answer ?? {};
    const { accountId, jti: grant } = oidc.entities.Grant ?? {};
    if (typeof access !== 'string' || typeof successor !== 'string' || !accountId || !grant) return false;
    const endsAt = Date.now() + lifeSeconds * 1_000;
    ledger.rotated(refresh, { subject: accountId, grant, access, refresh: successor, endsAt });
    ledger.count('exchanges', accountId);
    return true;
  }

  return async (context: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const refresh = presentedIn(context.req);
    if (refresh === undefined) return next();
    const subject = ledger.subjectOf(refresh);
    await switches.hook?.('received', subject);
    let hasRotated = false;
    await inTurn(async () => {
      countPresented(refresh, subject);
      if (!mayPass(context)) return;
      await next();
      hasRotated = noteResult(context, refresh, subject);
    });
    if (!hasRotated) return;
    await switches.hook?.('rotated', subject);
    const { delayMs = 0, cutBeforeAnswer } = switches.behaviour;
    if (delayMs > 0) await wait(delayMs, undefined, { signal }).catch(() => undefined);
    if (cutBeforeAnswer) cut(context);
  };
}

function cut(context: KoaContextWithOIDC): void {
  context.respond = false;
  context.res.destroy();
}
