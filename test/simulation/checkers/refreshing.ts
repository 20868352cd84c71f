import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Host } from '../host.ts';
import type { Secret } from '../world/secret.ts';
import { type Checker, Violation } from './check.ts';

/**
 * I12: the fleet uses a refresh token that is good for one use once, and never one that somebody has used before and is
 * known to have: an OpenClaw that it never heard of is no doing of its own.
 */
export function checkRefreshing(): Checker {
  const usedBy = new Map<Secret, Host>();
  const restored = new Set<Fingerprint>();
  return {
    coordinatorEffects: {
      announce: (_world, _process, { announcement }) => {
        // An operator may take the fleet back to what only a lost part of the coordinator's store knew to be spent.
        if (announcement.restored && announcement.refresh) restored.add(announcement.refresh);
      },
    },
    spent: (world, host, refresh, { account }) => {
      const { family, serial } = refresh;
      if (!family.provider.rotates || restored.has(refresh.print)) return;
      const before = usedBy.get(refresh);
      // Where the coordinator's store came back from a backup, only who used it can say so.
      if (before?.agent?.state.link.synced && before.asleepUntil <= world.now)
        throw new Violation(
          'I12',
          `${host.name} uses the refresh token ${serial} of ${account} that ${before.name} has used`,
        );
      usedBy.set(refresh, host);
      const keeper = world.hosts.find(other => other.tookAlong.has(refresh));
      if (keeper)
        throw new Violation(
          'I12',
          `${host.name} uses the refresh token ${serial} of ${account}, which ${keeper.name} took along`,
        );
      if (serial === family.serial) return;
      // A newer one than what is spent: on whose disk does it lie, where the fleet could have seen it?
      for (const other of world.hosts) {
        for (const { facts } of other.journal.accounts.values()) {
          const known = facts.account === account ? world.issuer.secretOf(facts.access) : undefined;
          if (known?.family === family && known.serial > serial)
            throw new Violation(
              'I12',
              `${host.name} uses the refresh token ${serial} of ${account} though ${other.name} was told of ${known.serial}`,
            );
        }
      }
    },
  };
}
