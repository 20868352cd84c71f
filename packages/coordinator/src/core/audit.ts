import type { Instant } from '@authmesh/shared/core/time';
import type { AuditEntry } from './effect.ts';
import { haltOf, leaseOf } from './lease/standing.ts';
import type { AccountRecord } from './record.ts';

/**
 * What an auditor has to know of a change of an account that is durable now: logins that were accepted and that were not, leases and
 * what became of them. Everything is in the record itself: no path has to remember to tell it.
 */
export function auditOfChange(before: AccountRecord, after: AccountRecord, at: Instant): AuditEntry[] {
  const { account } = after;
  const entries: AuditEntry[] = [];
  for (const { number, verdict, origin: node, access: fingerprint, why } of after.history) {
    if (number < before.nextNumber) continue;
    const isAccepted = verdict === 'accepted';
    const details = isAccepted ? `${positionOf(after)}: ${why}` : `${verdict}: ${why}`;
    entries.push({ at, action: isAccepted ? 'accept' : 'refuse', node, account, fingerprint, details });
  }
  const [was, is] = [leaseOf(before), leaseOf(after)];
  const epoch = after.refresh?.epoch;
  const fingerprint = after.refresh?.refresh;
  if (was && (!is || was.since !== is.since))
    entries.push({ at, action: isRenewed(before, after) ? 'renewed' : 'not-renewed', node: was.node, account });
  if (is && was?.since !== is.since)
    entries.push({ at, action: 'lease', node: is.node, account, fingerprint, details: `epoch ${epoch}` });
  const halt = haltOf(after);
  if (halt && haltOf(before)?.state !== halt.state)
    entries.push({ at, action: halt.state, node: halt.node, account, fingerprint, details: halt.why });
  return entries;
}

function positionOf({ current }: AccountRecord): string {
  return current ? `revision ${current.position.epoch}.${current.position.revision}` : 'no revision';
}

function isRenewed(before: AccountRecord, after: AccountRecord): boolean {
  return before.current?.access !== after.current?.access;
}
