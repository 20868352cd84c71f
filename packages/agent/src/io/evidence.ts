import type { Copy } from '@authmesh/agent/core/state';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, never } from '@authmesh/shared/core/time';
import { describeDuration } from '@authmesh/shared/node/duration';
import type { CopyView } from '@authmesh/shared/protocol/answer';

/**
 * What is known of a copy, by what. `use`: OpenClaw has used this very login, and the provider took it. `disk`: it was read
 * from its store. `told`: its host said so. `none`: nobody has looked. A state without evidence is no good news.
 */
export interface Evidence {
  readonly by: 'use' | 'disk' | 'told' | 'none';
  /** ISO text. */
  readonly at: string | null;
}

/** When this host last looked at a store. */
export type LookedAt = (store: StoreId) => Instant | undefined;

/** Of this host's own copy by what it saw, of another's by what that told. */
export function evidenceOf(own: Copy | undefined, told: CopyView, lookedAt: LookedAt): Evidence {
  if (!own) return evidence('told', told.seenAt);
  const { usedAt } = own.seen?.use ?? {};
  // A use from before this token stood there was another one's.
  const isOfThis = usedAt !== undefined && own.standsSince !== undefined && usedAt >= own.standsSince;
  return isOfThis ? evidence('use', usedAt) : evidence('disk', lookedAt(own.store) ?? own.seenAt);
}

function evidence(by: Evidence['by'], at: Instant): Evidence {
  return at > 0 ? { by, at: new Date(Math.min(at, never)).toISOString() } : { by: 'none', at: null };
}

const words: Readonly<Record<Evidence['by'], string>> = {
  use: 'verified by use',
  disk: 'read from disk',
  told: 'told',
  none: 'unknown',
};

/** `verified by use 3 min ago`. */
export function evidenceText({ by, at }: Evidence, now: Instant): string {
  return at === null ? words[by] : `${words[by]} ${describeDuration(Math.max(0, now - Date.parse(at)))} ago`;
}
