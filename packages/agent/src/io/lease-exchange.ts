import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { Provider } from '@authmesh/agent/core/providers';
import type { LeaseMemory, LeaseOutcome } from '@authmesh/agent/core/refresh/open-lease';
import { type AccountId, accountProvider } from '@authmesh/shared/core/identifiers';
import { exchangeMsMax } from '@authmesh/shared/core/lease';
import { hour, type Milliseconds } from '@authmesh/shared/core/time';
import { systemReason } from '@authmesh/shared/node/errors';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import { readClaims } from './formats/json-web-token.ts';
import type { Lent, LentRefreshTokens } from './lent-refresh-tokens.ts';
import type { Keeper } from './memory-keeper.ts';
import type { RecordVault } from './record-vault.ts';
import { type ExchangeOutcome, exchangeRefreshToken } from './token-endpoint.ts';

/** Moments of an exchange at which a crash must neither lose a login nor spend a refresh token twice. */
export const exchangeSteps = [
  'exchange-lent',
  'exchange-intended',
  'exchange-answered',
  'exchange-kept',
  'exchange-stored',
] as const;
export type ExchangeStep = (typeof exchangeSteps)[number];

/** How long a token is taken to live that says nothing of it (RFC 6749, 5.1: `expires_in` may be left out). */
const lifeMsUnsaid: Milliseconds = hour;

export interface LeaseExchangeOptions {
  readonly vault: RecordVault;
  readonly keeper: Pick<Keeper, 'writeNow'>;
  /** Where the refresh token stands in stores of this host. */
  readonly lent: LentRefreshTokens;
  /** By their newest names. */
  readonly providers: () => ReadonlyMap<string, Provider>;
  /** The clock that leases are counted by. */
  readonly elapsed: () => Milliseconds;
  /** This host's clock minus the coordinator's. */
  readonly clockOffsetMs: () => Milliseconds;
  /** Told when the outcome is on disk. */
  readonly onEnded: (account: AccountId, epoch: number, outcome: LeaseOutcome) => void;
  readonly at?: ((step: ExchangeStep) => void) | undefined;
}

export interface LeaseExchanges {
  /** Spends a refresh token under a lease, once. Never throws. */
  readonly begin: (spend: Spend) => void;
  /** Resolves when no exchange is under way. */
  readonly settled: () => Promise<void>;
}

export type Spend = Extract<AgentEffect, { type: 'exchange' }>;

/**
 * A refresh token that is about to be spent stands in no store of this host, and that it is about to be is on disk before
 * anything leaves this host; what came of it is on disk before it is in a store or anybody hears of it.
 */
export function createLeaseExchanges(options: LeaseExchangeOptions): LeaseExchanges {
  const { vault, keeper, providers, elapsed, clockOffsetMs, at } = options;
  const fleetNow = () => Date.now() - clockOffsetMs();

  async function write(spend: Spend, outcome?: LeaseOutcome): Promise<string | undefined> {
    const { account, epoch, access, refresh, generation } = spend;
    const lease: LeaseMemory = { account, epoch, access, refresh, outcome };
    const login = outcome && 'renewed' in outcome ? { account, generation, ...outcome.renewed } : undefined;
    try {
      const record = login && vault.seal(login);
      const sealed = record && 'sealed' in record ? record.sealed : undefined;
      await keeper.writeNow({ kind: 'lease', account, lease, sealed });
      return undefined;
    } catch (error) {
      return systemReason(error);
    }
  }

  async function exchange(spend: Spend): Promise<void> {
    const { account, epoch, access, refresh, holders } = spend;
    const end = (outcome: LeaseOutcome) => options.onEnded(account, epoch, outcome);
    const provider = providers().get(accountProvider(account));
    const credential = vault.get(access);
    if (!provider) return end(unused(`this host does not know how to refresh at ${accountProvider(account)}`));
    if (credential?.refresh === undefined || vault.fingerprint(credential.refresh) !== refresh)
      return end(unused('the refresh token is not at hand'));
    // What a use does not spend may stay where it is.
    const places = provider.rotates ? holders : [];
    const lent = await options.lent.lend({ holders: places, credential, expected: { access, refresh } });
    if ('why' in lent) return end(unused(lent.why));
    try {
      at?.('exchange-lent');
      const outcome = await send(spend, provider, credential, lent).catch(error => faulted(spend, provider, error));
      const isUnused = 'miss' in outcome && (outcome.miss === 'unused' || outcome.miss === 'postponed');
      const next = 'renewed' in outcome ? vault.get(outcome.renewed.access) : isUnused ? credential : undefined;
      // What came of it is known, whatever becomes of the stores: the machine delivers what they lack.
      if (next) await lent.giveBack(next).catch(() => undefined);
      at?.('exchange-stored');
      // The fleet hears of it as a renewal, before the stores are looked at.
      end(outcome);
    } finally {
      lent.release();
    }
  }

  async function send(spend: Spend, provider: Provider, credential: Credential, lent: Lent): Promise<LeaseOutcome> {
    const { generation, before } = spend;
    const refusal = await write(spend);
    if (refusal !== undefined) return unused(`the journal takes no entries: ${refusal}`);
    intended.add(spend);
    at?.('exchange-intended');
    // What is not begun by now could end after somebody else has begun.
    if (elapsed() + exchangeMsMax > before) return ended(spend, unused('the lease is over'));
    if (!lent.isHeld()) return ended(spend, unused('the lock that keeps OpenClaw from it was taken away'));
    const answer = await exchangeRefreshToken({ provider, credential, now: fleetNow(), timeoutMs: exchangeMsMax });
    at?.('exchange-answered');
    return ended(spend, answer.result === 'renewed' ? renewedBy(answer.credential) : missOf(answer, provider));

    function renewedBy(next: Credential): LeaseOutcome {
      // Where neither the answer nor the token says how long it lives it is renewed each hour, and never left to end.
      const expiresAt = next.expiresAt ?? fleetNow() + lifeMsUnsaid;
      const prints = { access: vault.fingerprint(next.access), refresh: vault.fingerprint(next.refresh ?? '') };
      vault.put(prints.access, { ...next, expiresAt });
      const issuedAt = readClaims(next.access, next.provider).issuedAt;
      return { renewed: { ...prints, expiresAt, issuedAt }, generation };
    }
  }

  /** On disk before it is told. Where the disk takes nothing it is told all the same: the coordinator keeps it. */
  async function ended(spend: Spend, outcome: LeaseOutcome): Promise<LeaseOutcome> {
    await write(spend, outcome);
    at?.('exchange-kept');
    return outcome;
  }

  /** Its intent is on disk: from then on nobody can say of it that nothing was sent. */
  const intended = new WeakSet<Spend>();
  function faulted(spend: Spend, { rotates }: Pick<Provider, 'rotates'>, error: unknown): LeaseOutcome {
    // Its message may quote what it was about.
    const why = `a fault in authmesh itself (${error instanceof Error ? error.name : 'unknown'})`;
    if (!intended.has(spend)) return unused(why);
    return { miss: rotates ? 'unanswered' : 'postponed', why };
  }

  const underWay = new Set<Promise<void>>();
  return {
    begin(spend) {
      const { account, epoch } = spend;
      // Where it was told already what came of it that counts, and this is passed over.
      const done = exchange(spend).catch(error =>
        options.onEnded(account, epoch, faulted(spend, { rotates: true }, error)),
      );
      underWay.add(done);
      void done.finally(() => underWay.delete(done));
    },
    settled: async () => void (await Promise.all(underWay)),
  };
}

function missOf(answer: Exclude<ExchangeOutcome, { result: 'renewed' }>, { rotates }: Provider): LeaseOutcome {
  const why = answer.why.slice(0, sentenceCharsMax);
  switch (answer.result) {
    case 'unsent':
      // Nothing was used up, and the next attempt may as well be another host's.
      return { miss: 'postponed', why };
    case 'postponed':
      return { miss: 'postponed', why, retryAfterMs: answer.retryAfterMs };
    case 'unanswered':
      // A token that its use does not spend is as good as before.
      return { miss: rotates ? 'unanswered' : 'postponed', why };
    case 'refused':
      return { miss: 'refused', why };
    default:
      return answer satisfies never;
  }
}

function unused(why: string): LeaseOutcome {
  return { miss: 'unused', why };
}
