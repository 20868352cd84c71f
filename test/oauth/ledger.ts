/** What a server saw of a login, or of all. */
export interface Counts {
  /** Refresh tokens that were exchanged for a new pair. */
  readonly exchanges: number;
  /** Exchanges that were answered with `invalid_grant`. */
  readonly refused: number;
  /** Times that a spent refresh token was presented, whatever the answer; those within the grace are `graced`. */
  readonly reuses: number;
  readonly graced: number;
  /** Uses of an access token at the resource: good ones, and others. */
  readonly uses: number;
  readonly deniedUses: number;
}

type Tally = { -readonly [Name in keyof Counts]: number };

interface Refresh {
  readonly subject: string;
  spent?: { readonly at: number; readonly successor: string } | undefined;
}

interface Access {
  readonly subject: string;
  readonly grant: string;
  readonly endsAt: number;
}

/** Tokens that belong together, as they were handed out. */
export interface IssuedPair {
  readonly subject: string;
  readonly grant: string;
  readonly access: string;
  readonly refresh: string;
  /** Of the access token, in epoch milliseconds. */
  readonly endsAt: number;
}

/** Every token that a server ever handed out. It outlives what the server forgets, and so knows a reuse when it sees one. */
export interface Ledger {
  readonly issued: (pair: IssuedPair) => void;
  readonly rotated: (spent: string, pair: IssuedPair) => void;
  readonly ended: (grant: string) => void;
  readonly grantsOf: (subject: string) => ReadonlySet<string>;
  readonly subjectOf: (refresh: string) => string | undefined;
  /** How long ago a refresh token was spent, where its successor is not spent as well; undefined: not so. */
  readonly spentAgo: (refresh: string) => { readonly ms: number; readonly isLatest: boolean } | undefined;
  readonly isAccessGood: (access: string) => boolean;
  /** Counts a use of an access token, and judges it. */
  readonly used: (access: string) => boolean;
  readonly count: (what: keyof Counts, subject: string | undefined) => void;
  readonly counts: (subject?: string) => Counts;
}

export function createLedger(): Ledger {
  const refreshes = new Map<string, Refresh>();
  const accesses = new Map<string, Access>();
  const grants = new Map<string, Set<string>>();
  const endedGrants = new Set<string>();
  const tallies = new Map<string | undefined, Tally>();

  function tallyOf(subject: string | undefined): Tally {
    const tally = tallies.get(subject) ?? { exchanges: 0, refused: 0, reuses: 0, graced: 0, uses: 0, deniedUses: 0 };
    tallies.set(subject, tally);
    return tally;
  }

  function count(what: keyof Counts, subject: string | undefined): void {
    tallyOf(undefined)[what]++;
    if (subject !== undefined) tallyOf(subject)[what]++;
  }

  function issued({ subject, grant, access, refresh, endsAt }: IssuedPair): void {
    refreshes.set(refresh, { subject });
    accesses.set(access, { subject, grant, endsAt });
    grants.set(subject, (grants.get(subject) ?? new Set()).add(grant));
  }

  function isAccessGood(access: string): boolean {
    const found = accesses.get(access);
    return found !== undefined && found.endsAt > Date.now() && !endedGrants.has(found.grant);
  }

  return {
    issued,
    rotated(refresh, pair) {
      issued(pair);
      const before = refreshes.get(refresh);
      if (before) before.spent = { at: Date.now(), successor: pair.refresh };
    },
    ended: grant => endedGrants.add(grant),
    grantsOf: subject => grants.get(subject) ?? new Set(),
    subjectOf: refresh => refreshes.get(refresh)?.subject,
    spentAgo(refresh) {
      const spent = refreshes.get(refresh)?.spent;
      if (!spent) return undefined;
      return { ms: Date.now() - spent.at, isLatest: refreshes.get(spent.successor)?.spent === undefined };
    },
    isAccessGood,
    used(access) {
      const isGood = isAccessGood(access);
      count(isGood ? 'uses' : 'deniedUses', accesses.get(access)?.subject);
      return isGood;
    },
    count,
    counts: subject => ({ ...tallyOf(subject) }),
  };
}
