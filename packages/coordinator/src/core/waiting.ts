import type { AccountId, NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import type { MissReport, OpenLeaseName, Recollection, Renewal } from '@authmesh/shared/protocol/lease';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { LinkId } from './event.ts';

/** What waits for an account's record to be free. */
export type Submission =
  | {
      readonly type: 'judge';
      readonly link: LinkId;
      readonly observation: Observation;
      readonly offer?: Offer | undefined;
    }
  | {
      readonly type: 'link';
      readonly link: LinkId;
      readonly request: number;
      readonly account: AccountId;
      readonly nodes: readonly NodeId[];
    }
  | {
      readonly type: 'home';
      readonly link: LinkId;
      readonly request: number;
      readonly account: AccountId;
      readonly node: NodeId;
    }
  /** A refresh by OpenClaw failed, and may have spent what the observation says. */
  | { readonly type: 'doubt'; readonly link: LinkId; readonly observation: Observation }
  /** A lease to be given: nobody waits for it on a link. */
  | { readonly type: 'lease'; readonly account: AccountId }
  | { readonly type: 'renewal'; readonly link: LinkId; readonly node: NodeId; readonly message: Renewal }
  | { readonly type: 'miss'; readonly link: LinkId; readonly node: NodeId; readonly message: MissReport }
  | ({ readonly type: 'recollection'; readonly link: LinkId } & Pick<Recollection, 'facts' | 'sealed'>)
  /** Its node has a lease that this store may have forgotten. */
  | { readonly type: 'taken'; readonly link: LinkId; readonly node: NodeId; readonly lease: OpenLeaseName }
  /** Its node says that it never took this lease. */
  | { readonly type: 'untaken'; readonly link: LinkId; readonly account: AccountId; readonly epoch: number }
  | {
      readonly type: 'rollback';
      readonly account: AccountId;
      readonly link: LinkId;
      readonly request: number;
      readonly number: number;
      readonly generation: number;
      readonly spendable: boolean;
      readonly sealed: Sealed;
    };

/** The record that came with an observation. */
export interface Offer {
  readonly generation: number;
  readonly sealed: Sealed;
}
