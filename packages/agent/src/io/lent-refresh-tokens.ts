import type { Place } from '@authmesh/agent/core/effect';
import type { WriteOutcome } from '@authmesh/agent/core/event';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { acquireRefreshLocks, type RefreshedLogin } from './openclaw-refresh-lock.ts';
import { remembersPairs, type StateDirectory } from './state-directory.ts';
import type { Delivery } from './store-change.ts';

/*
 * A refresh token that stands in stores of this host is lent to the fleet for one use: OpenClaw's locks keep it from using the
 * token meanwhile, the stores give it up before anything is sent, and get the next one before OpenClaw is let in again.
 */

export interface LentRefreshTokensOptions {
  readonly directoryOf: (store: StoreId) => StateDirectory | undefined;
  /** Writes one entry; settles when it was read back. */
  readonly deliver: (delivery: Delivery) => Promise<WriteOutcome>;
  /** The coordinator's clock, by which a login ends. */
  readonly now: () => Instant;
  /** OpenClaw is let in again: what a store holds now is to be told. */
  readonly onReleased?: ((store: StoreId) => void) | undefined;
  readonly lockWaitMs?: Milliseconds | undefined;
}

/** What is lent, and by whom. */
export interface Loan {
  readonly holders: readonly Place[];
  readonly credential: Credential;
  readonly expected: Required<Delivery['expected']>;
}

/** The stores are without the refresh token, and OpenClaw waits. */
export interface Lent {
  /** Whether nobody has taken a lock away: asked before the token is sent. */
  readonly isHeld: () => boolean;
  /**
   * Puts a pair into the stores that gave the token up: the same one again, or what the exchange has brought. That waits for its
   * turn where a store's login has ended (I11), and what fails is delivered later.
   */
  readonly giveBack: (pair: Credential) => Promise<void>;
  readonly release: () => void;
}

export interface LentRefreshTokens {
  /** Takes the token out of every store that holds it, or out of none: the sentence says why. */
  readonly lend: (loan: Loan) => Promise<Lent | { readonly why: string }>;
}

/** Lends the refresh tokens of this host's stores. */
export function createLentRefreshTokens(options: LentRefreshTokensOptions): LentRefreshTokens {
  const { directoryOf, deliver, now, onReleased, lockWaitMs } = options;

  /** Takes it out of one after the other; the sentence says which one keeps it. */
  async function take({ holders, credential, expected }: Loan, taken: Place[]): Promise<string | undefined> {
    for (const place of holders) {
      const taking = { ...place, expected, credential, form: 'bearer', takesRefreshOnly: true } as const;
      const outcome = await deliver(taking);
      if (outcome.result !== 'written') {
        const why = outcome.result === 'changed' ? 'it has changed' : outcome.reason;
        return `the refresh token stays in ${place.store}: ${why}`;
      }
      taken.push(place);
    }
    return undefined;
  }

  async function give(pair: Credential, { credential, expected }: Loan, taken: readonly Place[]): Promise<void> {
    const isNext = pair !== credential;
    const waits = isNext && !isUsable(credential.expiresAt, now());
    for (const place of taken) {
      const giving = { ...place, credential: pair, form: 'full' } as const;
      const bearer = { access: expected.access };
      const { result } = waits ? { result: 'changed' } : await deliver({ ...giving, expected: bearer });
      // A gateway may have written back what it once read: a spent token must not stay there.
      if (result === 'changed' && isNext) await deliver({ ...giving, expected });
    }
  }

  return {
    async lend(loan) {
      const { holders, credential } = loan;
      const obstacle = holders.map(({ store }) => obstacleIn(directoryOf(store))).find(why => why !== undefined);
      if (obstacle !== undefined) return { why: obstacle };
      const locks = await acquireRefreshLocks(loginsOf(loan, directoryOf), { waitMs: lockWaitMs });
      if (locks.state !== 'held') return { why: locks.reason };
      const release = () => {
        locks.release();
        for (const store of new Set(holders.map(place => place.store))) onReleased?.(store);
      };
      const taken: Place[] = [];
      try {
        const why = await take(loan, taken);
        if (why === undefined) return { isHeld: locks.isHeld, release, giveBack: pair => give(pair, loan, taken) };
        await give(credential, loan, taken);
        release();
        return { why };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** Why a store's refresh token cannot be kept from its OpenClaw. */
function obstacleIn(directory: StateDirectory | undefined): string | undefined {
  if (!directory) return 'its store is not looked after any more';
  if (!remembersPairs(directory)) return undefined;
  const { stateDir, openclawVersion } = directory;
  return `OpenClaw ${openclawVersion} under ${stateDir} goes on with the refresh token that it once read`;
}

/** What OpenClaw locks: each profile of each state directory, in an order that is the same for all. */
function loginsOf(
  { holders, credential }: Loan,
  directoryOf: LentRefreshTokensOptions['directoryOf'],
): RefreshedLogin[] {
  const logins = new Map<string, RefreshedLogin & { readonly stores: StoreId[] }>();
  for (const { store, profile } of holders) {
    const stateDir = directoryOf(store)?.stateDir ?? '';
    const key = JSON.stringify([stateDir, profile]);
    const login = logins.get(key) ?? { stateDir, provider: credential.provider, profile, stores: [] };
    login.stores.push(store);
    logins.set(key, login);
  }
  const inOrder = [...logins].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, login]) => login);
  return inOrder.map(login => ({ ...login, stores: mainLast(login, directoryOf) }));
}

/** OpenClaw locks an agent's own store before the main agent's, which it falls back to. */
function mainLast(
  { stores }: { readonly stores: readonly StoreId[]; readonly profile: ProfileId },
  directoryOf: LentRefreshTokensOptions['directoryOf'],
): StoreId[] {
  const isMain = (store: StoreId) => directoryOf(store)?.agents.find(({ store: of }) => of === store)?.id === 'main';
  return [...stores.filter(store => !isMain(store)), ...stores.filter(isMain)];
}
