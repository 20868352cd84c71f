import type { Incident } from '@authmesh/shared/core/alerts/incident';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { day, hour, type Instant, minute, second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  createScene,
  founder,
  guest,
  observed,
  only,
  print,
  publish,
  type Scene,
  start,
} from '../coordinator-scene.ts';
import { createFleetOfTwo } from '../lease/lease-scene.ts';
import { type AccountRecord, alertsKey } from '../record.ts';
import type { StoredState } from '../stored-state.ts';
import { type AlertsRecord, type AlertTerms, alertTermsDefault } from './alerts.ts';

const pager: AlertTerms = { ...alertTermsDefault, channels: [{ name: 'pager', criticalOnly: false }] };

/** A fleet of two whose coordinator has been there for a while. */
function running(stored: Partial<StoredState> = {}): Scene {
  const scene = createScene({ alertTerms: pager, ...stored });
  scene.through({ type: 'started' });
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.pass(10 * second);
  return scene;
}

/** Looks at everything, and gives what is open. */
function look(scene: Scene): readonly Incident[] {
  scene.through({ type: 'timer-fired', timer: 'alerts' });
  const [body] = answers(scene.ask(1, { type: 'alerts' }));
  if (body?.type !== 'alerts') throw new Error('no answer came');
  return body.incidents.filter(({ state }) => state === 'open');
}
const kinds = (scene: Scene) => look(scene).map(({ id, kind, severity }) => [id, kind, severity]);

/** A login that nobody can renew, on both hosts. */
function bearer(scene: Scene, expiresAt: Instant): void {
  const login = observed('1', { expiresAt });
  scene.through(publish(1, login));
  scene.through(acknowledge(2, login));
}

const label = 'login/xai/acct_1';

describe('a login', () => {
  it('that nobody renews is told of a day, six hours and an hour before its end, and when it has ended', () => {
    const scene = running();
    bearer(scene, start + 30 * day);
    expect(kinds(scene)).toEqual([]);
    scene.pass(30 * day - 24 * hour);
    expect(look(scene)).toMatchObject([
      { id: label, kind: 'expiring', severity: 'warning', what: expect.stringContaining('24 h') },
    ]);
    scene.pass(18 * hour);
    expect(look(scene)).toMatchObject([{ what: expect.stringContaining('less than 6 h') }]);
    scene.pass(5 * hour);
    expect(kinds(scene)).toEqual([[label, 'expiring', 'critical']]);
    scene.pass(hour);
    expect(look(scene)).toMatchObject([
      { kind: 'expired', mend: 'sign in again on pc-a: authmesh-agent login xai:default', where: ['pc-a'] },
    ]);
  });

  it('that lives for eight hours is not told of as soon as it is there', () => {
    const scene = running();
    bearer(scene, start + 8 * hour);
    expect(kinds(scene)).toEqual([]);
    scene.pass(7 * hour);
    expect(kinds(scene)).toEqual([[label, 'expiring', 'critical']]);
  });

  it('that no store has any more is told of no more', () => {
    const scene = running();
    bearer(scene, start + minute);
    scene.pass(hour);
    expect(kinds(scene)).toEqual([[label, 'expired', 'critical']]);
    const gone = [{ store: observed('1').store, profile: observed('1').profile }];
    for (const link of [1, 2])
      scene.through({ type: 'frame-received', link, message: { type: 'acknowledge', observations: [], gone } });
    look(scene);
    scene.pass(10 * second);
    expect(kinds(scene)).toEqual([]);
  });

  it.each(['in-doubt', 'needs-login'] as const)('that is %s is told of, with the command for its home', state => {
    const fleet = createFleetOfTwo();
    const known = fleet.state().accounts.get(account)?.record;
    if (!known?.current) throw new Error('the fleet has no login');
    const { access, refresh = print('a') } = known.current;
    const halt = { state, by: 'lease', node: founder, since: start, why: 'its holder fell silent' } as const;
    const record: AccountRecord = { ...known, refresh: { epoch: 1, access, refresh, halt } };
    const scene = running({ accounts: [{ record, storeRevision: 5 }] });
    scene.through(acknowledge(1, observed('1', { refresh: print('a'), expiresAt: start + hour })));
    expect(look(scene)).toMatchObject([
      {
        ...{ id: label, kind: state, severity: 'critical', since: start },
        ...{ why: 'its holder fell silent', mend: expect.stringContaining('authmesh-agent login') },
      },
    ]);
  });

  it('of which hosts have two live ones is a conflict, and a store that is set aside is told with its host', () => {
    const scene = running();
    scene.through(publish(1, observed('1', { expiresAt: start + 3 * hour, refresh: print('a') })));
    scene.through(publish(2, observed('2', { expiresAt: start + 3 * hour, refresh: print('b') })));
    expect(look(scene)).toMatchObject([{ id: label, kind: 'conflict', where: ['t440'] }]);
    const quarantined = observed('2', { health: 'quarantined', trouble: 'it is torn' });
    scene.through(acknowledge(2, quarantined));
    expect(look(scene).map(({ kind, what }) => [kind, what])).toContainEqual([
      'quarantined',
      'a store of t440 is set aside',
    ]);
  });
});

describe('a fleet', () => {
  it('tells of a host that is away for a quarter of an hour, and of none right after a start', () => {
    const scene = running();
    scene.through({ type: 'link-closed', link: 2 });
    scene.pass(14 * minute);
    expect(kinds(scene)).toEqual([]);
    scene.pass(minute);
    expect(look(scene)).toMatchObject([{ id: 'node/t440', kind: 'node-silent', since: start + 10 * second }]);
    const nodes = [...scene.state().nodes.values()].map(({ record, storeRevision }) => ({
      record: { ...record, lastSeen: start },
      storeRevision,
    }));
    const again = createScene({ nodes, alertTerms: pager });
    again.through({ type: 'started' });
    again.pass(minute);
    again.connect(1, founder);
    expect(kinds(again)).toEqual([]);
  });

  it('tells of a secret that differs, with who is in the minority, and not while a new value is on its way', () => {
    const scene = running();
    const tell = (link: number, value: string) => {
      const found = { state: 'read', exact: print(value), loose: print(value), forms: [] } as const;
      const readings: SecretReading[] = [{ name: 'KEY', source: '/srv/.env', kind: 'stored', found }];
      const rotates = [{ name: 'KEY', everyMs: day }];
      return scene.through({
        type: 'frame-received',
        link,
        message: { type: 'secrets', keyEpoch: 1, readings, rotates },
      });
    };
    tell(1, 'a');
    tell(2, 'b');
    expect(look(scene)).toMatchObject([
      { id: 'secret/KEY', kind: 'drift', severity: 'critical', where: ['pc-a', 't440'] },
    ]);
    tell(2, 'a');
    look(scene);
    scene.pass(10 * second);
    expect(kinds(scene)).toEqual([]);
    scene.through({
      type: 'frame-received',
      link: 1,
      message: { type: 'ask', request: 1, question: { type: 'rotate', name: 'KEY' } },
    });
    tell(2, 'c');
    expect(kinds(scene)).toEqual([]);
    scene.pass(3 * minute);
    expect(look(scene)).toMatchObject([{ id: 'secret/KEY', severity: 'critical' }]);
  });

  it('tells once of a coordinator that was away, and of a store that takes no writes', () => {
    const record: AlertsRecord = { incidents: [], mutes: [], channels: { pager: start - day }, aliveAt: start - hour };
    const scene = createScene({ alerts: { record, storeRevision: 3 }, alertTerms: pager });
    scene.through({ type: 'started' });
    scene.pass(5 * second);
    const told = only(scene.through({ type: 'timer-fired', timer: 'alerts' }), 'tell');
    expect(told).toMatchObject([
      {
        message: {
          event: 'resolved',
          incidents: [{ kind: 'coordinator-away', since: start - hour, resolvedAt: start }],
        },
      },
    ]);
    expect(only(scene.through({ type: 'told', channel: 'pager', outcome: { ok: true } }), 'tell')).toEqual([]);
    scene.connect(1, founder);
    scene.tell({ type: 'timer-fired', timer: 'alerts' });
    scene.pass(2 * minute);
    scene.tell({ type: 'timer-fired', timer: 'alerts' });
    scene.tell({ type: 'persist-failed', key: alertsKey, reason: 'database or disk is full' });
    scene.pass(second);
    const effects = scene.tell({ type: 'timer-fired', timer: 'alerts' });
    expect(only(effects, 'tell')).toMatchObject([
      { message: { incidents: [{ id: 'coordinator', kind: 'store-refused' }] } },
    ]);
  });

  it('neither repeats nor forgets an incident over a restart', () => {
    const scene = running();
    bearer(scene, start + minute);
    scene.pass(hour);
    const told = only(scene.through({ type: 'timer-fired', timer: 'alerts' }), 'tell');
    expect(told).toMatchObject([{ message: { event: 'opened' } }]);
    scene.through({ type: 'told', channel: 'pager', outcome: { ok: true } });
    const stored = scene.state().alerts;
    const record: AlertsRecord = {
      incidents: [...stored.incidents.values()],
      mutes: [],
      channels: Object.fromEntries(stored.since),
      aliveAt: start + hour,
    };
    const accounts = [...scene.state().accounts.values()].map(({ record: kept }) => ({
      record: kept,
      storeRevision: 9,
    }));
    const again = createScene({ alerts: { record, storeRevision: 9 }, accounts, alertTerms: pager });
    again.pass(hour);
    again.through({ type: 'started' });
    again.connect(1, founder);
    again.through(acknowledge(1, observed('1', { expiresAt: start + minute })));
    again.pass(10 * second);
    expect(only(again.through({ type: 'timer-fired', timer: 'alerts' }), 'tell')).toEqual([]);
    expect(kinds(again)).toEqual([[label, 'expired', 'critical']]);
  });

  it('answers who has seen it, and who wants to hear no more', () => {
    const scene = running();
    bearer(scene, start + minute);
    scene.pass(hour);
    look(scene);
    expect(answers(scene.ask(2, { type: 'acknowledge', ids: ['login/none'] }))).toMatchObject([{ type: 'problem' }]);
    expect(answers(scene.ask(2, { type: 'acknowledge', ids: [label] }))).toMatchObject([
      { incidents: [{ id: label, acknowledged: { by: 't440' } }] },
    ]);
    const muted = answers(scene.ask(2, { type: 'mute', pattern: 'login/*', forMs: hour }));
    expect(muted).toMatchObject([{ mutes: [{ pattern: 'login/*', by: 't440' }] }]);
    expect(answers(scene.ask(2, { type: 'mute', pattern: 'login/*', forMs: 0 }))).toMatchObject([{ mutes: [] }]);
  });
});
