import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { describe, expect, it } from 'vitest';
import { awayCharsMax } from './away.ts';
import {
  chain,
  createScene,
  founder,
  guest,
  observed,
  only,
  print,
  profile,
  publish,
  type Scene,
  start,
  verdicts,
} from './coordinator-scene.ts';
import type { CoordinatorEvent } from './event.ts';
import { type CopiesRecord, copiesKey, nodeKey } from './record.ts';
import { overview } from './view.ts';

function inventory(link: number, observations: Observation[], last = true): CoordinatorEvent {
  return { type: 'frame-received', link, message: { type: 'inventory', observations, known: [], last } };
}

/** The guest has the fleet's login and goes. */
function leave(scene: Scene = createScene()) {
  scene.connect(1, founder);
  scene.through(publish(1, observed('1')));
  scene.connect(2, guest);
  scene.through(inventory(2, [observed('1')]));
  scene.pass(minute);
  const effects = scene.through({ type: 'link-closed', link: 2 });
  return { scene, kept: keptBy(effects) };
}

const keptBy = (effects: Parameters<typeof only>[0]) =>
  only(effects, 'compare-and-set').flatMap(({ key, value }) =>
    key === copiesKey(guest) ? [value as CopiesRecord] : [],
  );

/** The coordinator starts again on what its store holds; the founder is back. */
function restart({ scene, kept: [record] }: ReturnType<typeof leave>): Scene {
  const entry = scene.state().accounts.values().next().value;
  const again = createScene({
    accounts: entry ? [{ record: entry.record, storeRevision: entry.storeRevision }] : [],
    copies: record ? [{ record: JSON.parse(JSON.stringify(record)) as CopiesRecord, storeRevision: 7 }] : [],
  });
  again.connect(1, founder);
  return again;
}

const shown = (scene: Scene) =>
  overview(scene.state(), start).accounts.flatMap(({ copies }) =>
    copies.map(({ node, verdict, seenAt, access }) => ({ node, verdict, seenAt, access })),
  );
const asItWas = { node: guest, verdict: 'in-step', seenAt: start, access: print('1') };

describe('a host that is away', () => {
  it('is shown with what it last had, before and after the coordinator’s restart', () => {
    const left = leave();
    expect(shown(left.scene)).toContainEqual(asItWas);
    expect(shown(restart(left))).toEqual([asItWas]);
  });

  it('is shown by what is current by now', () => {
    const scene = restart(leave());
    scene.through(publish(1, observed('2', { chain: chain('1') }), 2));
    expect(shown(scene)).toContainEqual({ ...asItWas, verdict: 'stale' });
  });

  it('is not judged by that: only its own report tells what it has', () => {
    const scene = restart(leave());
    scene.through(publish(1, observed('2', { chain: chain('1') }), 2));
    expect(scene.state().nodes.get(guest)?.copies.size).toBe(0);
    scene.connect(2, guest);
    expect(verdicts(scene.through(inventory(2, [observed('2')])), 2)).toEqual(['in-step']);
    expect(shown(scene).filter(({ node }) => node === guest)).toEqual([{ ...asItWas, access: print('2') }]);
  });

  it('is shown with what it had until it has told everything anew, and keeps it if its link ends before', () => {
    const scene = restart(leave());
    const second = 'xai:second' as ProfileId;
    scene.connect(2, guest);
    scene.through(inventory(2, [observed('1', { profile: second })], false));
    expect(shown(scene).filter(({ node }) => node === guest)).toHaveLength(2);
    expect(keptBy(scene.through({ type: 'link-closed', link: 2 }))).toEqual([]);
    scene.connect(3, guest);
    scene.through(inventory(3, []));
    expect(shown(scene).filter(({ node }) => node === guest)).toEqual([]);
    expect(keptBy(scene.through({ type: 'link-closed', link: 3 }))).toEqual([{ node: guest, copies: [] }]);
  });
});

describe('what is kept of a host that is away', () => {
  it('has a bound', () => {
    const scene = createScene();
    scene.connect(2, guest);
    const trouble = 'x'.repeat(500);
    const many = Array.from({ length: 5_000 }, (_, number) =>
      observed('1', { profile: `xai:${number}` as ProfileId, health: 'empty', trouble }),
    );
    scene.through(inventory(2, many));
    const [record] = keptBy(scene.through({ type: 'link-closed', link: 2 }));
    expect(record?.copies.length).toBeGreaterThan(500);
    expect(JSON.stringify(record).length).toBeLessThan(awayCharsMax + 10_000);
  });

  it('is written again where the store was slow, or another was first', () => {
    const scene = createScene();
    const comeAndGo = (link: number, ...observations: Observation[]) => {
      scene.connect(link, guest);
      scene.tell(inventory(link, observations));
      return scene.tell({ type: 'link-closed', link });
    };
    const empty = (...profiles: string[]) =>
      profiles.map(one => observed('1', { profile: one as ProfileId, health: 'empty' }));
    expect(keptBy(comeAndGo(2, ...empty('xai:a')))).toHaveLength(1);
    expect(keptBy(comeAndGo(3, ...empty('xai:a', 'xai:b')))).toEqual([]);
    scene.persist(nodeKey(guest));
    const [later] = keptBy(scene.persist(copiesKey(guest)));
    expect(later?.copies.map(copy => copy.profile)).toEqual(['xai:a', 'xai:b']);
    const conflict = {
      type: 'persist-conflicted',
      key: copiesKey(guest),
      value: undefined,
      storeRevision: 40,
    } as const;
    expect(only(scene.tell(conflict), 'compare-and-set')).toMatchObject([{ expected: 40, value: later }]);
    expect(keptBy(scene.persist(copiesKey(guest)))).toEqual([]);
  });

  it('does not grow with the chain, and names no secret’s place beyond what is shown', () => {
    const { kept } = leave();
    expect(kept).toMatchObject([{ node: guest, copies: [{ profile, spendable: false, health: 'sound' }] }]);
    expect(Object.keys(kept[0]?.copies[0] ?? {})).not.toContain('chain');
  });
});
