import type { Told } from '@authmesh/shared/core/alerts/telling';
import type { FleetId, Sealed } from '@authmesh/shared/core/identifiers';
import type { Note } from '@authmesh/shared/core/notes';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { CoordinatorTimer, LinkId } from './event.ts';
import type { RecordKey } from './record.ts';

export type CoordinatorEffect =
  /** The peer is a member: answer its proof; from here on the link carries frames. */
  | {
      readonly type: 'welcome';
      readonly link: LinkId;
      readonly fleet: FleetId;
      readonly epoch: number;
      readonly policy: ProfileFilter;
    }
  /** The peer became a member. The shell answers and closes. */
  | {
      readonly type: 'admit';
      readonly link: LinkId;
      readonly fleet: FleetId;
      readonly name: string;
      readonly sealed: Sealed | null;
    }
  | { readonly type: 'refuse'; readonly link: LinkId; readonly reason: CloseReason; readonly message: string }
  | { readonly type: 'close-link'; readonly link: LinkId; readonly reason: CloseReason }
  /** Ask a link for a sign of life; answered by `link-probed`. */
  | { readonly type: 'probe'; readonly link: LinkId }
  | { readonly type: 'send'; readonly link: LinkId; readonly message: DownMessage }
  /** One signed frame an announcement, prepared once, to these links or to every daemon; `last` has the login already. */
  | {
      readonly type: 'announce';
      readonly announcement: Announcement;
      readonly links: readonly LinkId[] | 'all';
      readonly last?: LinkId | undefined;
    }
  | {
      readonly type: 'compare-and-set';
      readonly key: RecordKey;
      /** 0: the key must not exist. */
      readonly expected: number;
      readonly value: unknown;
    }
  /** Say it to whoever the channel reaches; answered by `told`. */
  | ({ readonly type: 'tell' } & Told)
  | { readonly type: 'audit'; readonly entry: AuditEntry }
  /** Another host has a login that became the current one so long ago. */
  | { readonly type: 'propagated'; readonly afterMs: Milliseconds }
  | { readonly type: 'set-timer'; readonly timer: CoordinatorTimer; readonly delayMs: Milliseconds }
  | { readonly type: 'clear-timer'; readonly timer: CoordinatorTimer }
  /** All links are closed: the process may end. */
  | { readonly type: 'stop' }
  | Note;

/** What an auditor reads: who did what, without identities beyond account and node ids. */
export interface AuditEntry {
  readonly at: Instant;
  readonly action: string;
  readonly node?: string | undefined;
  readonly account?: string | undefined;
  /** Of the login, or the refresh token, that it is about. */
  readonly fingerprint?: string | undefined;
  readonly details?: string | undefined;
}
