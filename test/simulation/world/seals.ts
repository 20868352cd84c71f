import type { AccountId, NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Credential } from './secret.ts';

/** What is inside of a sealed record. */
export interface Ticket {
  readonly account: AccountId;
  readonly generation: number;
  readonly origin: NodeId;
  readonly credential: Credential;
}

/** Stands for the fleet key: whoever holds it seals and opens; the coordinator only passes the text on. */
export interface Seals {
  readonly seal: (ticket: Ticket) => Sealed;
  readonly open: (sealed: Sealed) => Ticket | undefined;
}

export function createSeals(): Seals {
  const tickets = new Map<Sealed, Ticket>();
  return {
    seal: ticket => {
      const sealed = `sealed${tickets.size}` as Sealed;
      tickets.set(sealed, ticket);
      return sealed;
    },
    open: sealed => tickets.get(sealed),
  };
}

/** What a member checks of an announcement's record before it believes the announcement; undefined: sound. */
export function sealProblem(facts: AnnouncementFacts, ticket: Ticket | undefined): string | undefined {
  if (!ticket) return 'the record does not open';
  const { kind, access, refresh } = ticket.credential;
  if (ticket.account !== facts.account) return 'the record belongs to another account';
  if (ticket.generation !== facts.generation) return 'the record has another generation';
  if (ticket.origin !== facts.origin) return 'the record was signed by another node';
  if (kind !== facts.kind || access.print !== facts.access) return 'the record holds another credential';
  if (refresh?.print !== facts.refresh) return 'the record holds another refresh token';
  return undefined;
}
