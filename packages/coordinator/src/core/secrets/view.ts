import { type Drift, type PlacedReading, placesNamed } from '@authmesh/shared/core/drift';
import type { DriftView } from '@authmesh/shared/protocol/secrets';
import { rotationViewOf } from '../rotation/view.ts';
import type { CoordinatorState } from '../state.ts';
import { driftOf } from './secrets.ts';

/** How every secret of the fleet compares, by name. */
export function driftViews(state: CoordinatorState): DriftView[] {
  return [...state.secrets.bySecret.keys()].sort().flatMap(key => {
    const drift = driftOf(state, key);
    return drift ? [driftView(state, key, drift)] : [];
  });
}

/** How the secret of `key` compares, with its places by name. */
export function driftView(state: CoordinatorState, key: string, drift: Drift): DriftView {
  const { name, group } = JSON.parse(key) as { readonly name: string; readonly group?: string };
  const away = [...(state.secrets.bySecret.get(key)?.keys() ?? [])].flatMap(node => {
    const entry = state.nodes.get(node);
    return entry && entry.link === undefined ? [entry.record.name] : [];
  });
  return {
    ...drift,
    name,
    group,
    groups: drift.groups.slice(0, placesNamed).map(({ places, ...rest }) => ({
      ...rest,
      nodes: places.toSorted(),
    })),
    stale: named(drift.stale),
    missing: named(drift.missing),
    unreadable: named(drift.unreadable),
    away: away.sort().slice(0, placesNamed),
    rotation: rotationViewOf(state, key),
  };
}

function named(readings: readonly PlacedReading[]): { node: string; source: string; since: number; why: string }[] {
  return readings.slice(0, placesNamed).map(({ at: node, source, since, found }) => ({
    node,
    source,
    since,
    why: found.state === 'unreadable' ? found.why : '',
  }));
}
