import { connect, createServer as createTcpServer } from 'node:net';
import { type EnrollmentOptions, enroll } from '@authmesh/agent/io/enrollment';
import { openLink } from '@authmesh/agent/io/link';
import { createSigningKey } from '@authmesh/shared/crypto/signing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { until } from './harness/condition.ts';
import { createScene, nodeKeys, type Scene, sampleAnnouncement } from './link-scene.ts';

const scenes: Scene[] = [];
async function scene(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const made = await createScene(options);
  scenes.push(made);
  return made;
}
afterEach(async () => {
  for (const made of scenes.splice(0)) await made.close();
});

describe('a link', () => {
  it('opens, carries messages both ways in order, and measures the clocks', async () => {
    const fleet = await scene({ now: () => 1_000_000 });
    const agent = fleet.dial({ now: () => 1_000_000 + 86_400_000 });
    await vi.waitFor(() => expect(agent.opened).toHaveLength(1));
    expect(agent.opened[0]).toEqual({ clockOffsetMs: 86_400_000, epoch: 3, policy: { allow: ['*'], deny: [] } });
    for (let at = 0; at < 50; at++) agent.link.send({ type: 'beat', at });
    await vi.waitFor(() => expect(fleet.frames).toHaveLength(50));
    expect(fleet.frames.map(frame => frame.message)).toEqual(
      Array.from({ length: 50 }, (_, at) => ({ type: 'beat', at })),
    );
    const [link = 0] = fleet.links;
    for (let at = 0; at < 50; at++) fleet.server.execute({ type: 'send', link, message: { type: 'beat', at } });
    await vi.waitFor(() => expect(agent.messages).toHaveLength(50));
    expect(agent.messages.map(message => message.type === 'beat' && message.at)).toEqual([...Array(50).keys()]);
  });

  it('is told the last message before the end', async () => {
    const fleet = await scene();
    const agent = fleet.dial();
    await vi.waitFor(() => expect(agent.opened).toHaveLength(1));
    const [link = 0] = fleet.links;
    fleet.server.execute({ type: 'send', link, message: { type: 'drain', notBeforeMs: 5 } });
    fleet.server.execute({ type: 'close-link', link, reason: 'draining' });
    await vi.waitFor(() => expect(agent.closed).toHaveLength(1));
    expect(agent.messages).toEqual([{ type: 'drain', notBeforeMs: 5 }]);
    expect(agent.closed[0]?.reason).toBe('draining');
    expect(fleet.closedLinks).toEqual([link]);
  });

  it('calls no handler after its own close, and the coordinator hears of the end once', async () => {
    const fleet = await scene();
    const agent = fleet.dial();
    await vi.waitFor(() => expect(agent.opened).toHaveLength(1));
    const [link = 0] = fleet.links;
    agent.link.send({ type: 'beat', at: 1 });
    agent.link.close();
    fleet.server.execute({ type: 'send', link, message: { type: 'beat', at: 1 } });
    await vi.waitFor(() => expect(fleet.closedLinks).toEqual([link]));
    expect(fleet.frames).toHaveLength(1);
    expect([agent.messages, agent.closed]).toEqual([[], []]);
  });

  it('turns away from a coordinator with another key and names address and both keys', async () => {
    const fleet = await scene();
    const agent = fleet.dial({ coordinatorKey: createSigningKey().publicKey });
    await vi.waitFor(() => expect(agent.closed).toHaveLength(1));
    const [end] = agent.closed;
    expect(end?.reason).toBe('unauthenticated');
    expect(end?.message).toContain(fleet.url);
    expect(end?.message).toMatch(/its key is (\w{4}-){3}\w{4}, this host trusts (\w{4}-){3}\w{4}/);
    expect(fleet.events).toEqual([]);
  });

  it('passes on why it is refused', async () => {
    const fleet = await scene({ refuse: { reason: 'unknownNode', message: 'this host was never let in.' } });
    const agent = fleet.dial();
    await vi.waitFor(() =>
      expect(agent.closed).toEqual([{ reason: 'unknownNode', message: 'this host was never let in.' }]),
    );
  });

  it('is told by a full coordinator when to come again, and is welcomed then', async () => {
    const scene = await createScene({ halfOpen: { total: 1, perAddress: 1 } });
    const silent = connect(Number(new URL(scene.url).port), '127.0.0.1');
    await until('the only place is taken', () => scene.server.counters().halfOpen === 1);
    const { closed } = scene.dial();
    await until('it is turned away', () => closed.length === 1);
    expect(closed[0]).toMatchObject({ reason: 'tooManyPeers', retryAfterMs: expect.any(Number) });
    expect(closed[0]?.retryAfterMs).toBeGreaterThanOrEqual(200);
    expect(closed[0]?.retryAfterMs).toBeLessThanOrEqual(10_000);
    silent.destroy();
    await until('there is a place', () => scene.server.counters().halfOpen === 0);
    const { opened } = scene.dial();
    await until('it is welcomed', () => opened.length === 1);
    expect(scene.server.counters().halfOpenPeak).toBe(1);
    await scene.close();
  });

  it('names an address where nothing listens, one that is none, and one that says nothing', async () => {
    const fleet = await scene();
    const silent = createTcpServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const silentUrl = `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const ends = ['ws://127.0.0.1:1', 'nowhere', silentUrl].map(url => fleet.dial({ url, deadlineMs: 100 }).closed);
    await vi.waitFor(() => expect(ends.flat()).toHaveLength(3));
    silent.close();
    expect(ends.flat().map(end => end.reason)).toEqual(['unreachable', 'unreachable', 'unreachable']);
    expect(ends[0]?.[0]?.message).toBe('the coordinator at ws://127.0.0.1:1 cannot be reached: nothing listens there');
    expect(ends[1]?.[0]?.message).toContain('not an address');
    expect(ends[2]?.[0]?.message).toContain('does not answer within 0.1 s');
  });

  it('is found alive by a probe, and dead when it is gone', async () => {
    const fleet = await scene();
    const agent = fleet.dial();
    await vi.waitFor(() => expect(agent.opened).toHaveLength(1));
    const [link = 0] = fleet.links;
    fleet.server.execute({ type: 'probe', link });
    await vi.waitFor(() => expect(fleet.probes).toEqual([true]));
    agent.link.close();
    await vi.waitFor(() => expect(fleet.closedLinks).toEqual([link]));
    fleet.server.execute({ type: 'probe', link });
    await vi.waitFor(() => expect(fleet.probes).toEqual([true, false]));
  });
});

describe('an announcement', () => {
  it('reaches every daemon of 200 with the same bytes and no command', async () => {
    const fleet = await scene();
    const agents = Array.from({ length: 200 }, () => fleet.dial());
    const command = fleet.dial({ role: 'command' });
    await vi.waitFor(() => expect([...agents, command].every(agent => agent.opened.length === 1)).toBe(true), 15_000);
    const announcement = sampleAnnouncement(1);
    fleet.server.execute({ type: 'announce', announcement, links: 'all' });
    await vi.waitFor(() => expect(agents.every(agent => agent.announcements.length === 1)).toBe(true), 15_000);
    expect(agents.every(agent => agent.announcements[0]?.access === announcement.access)).toBe(true);
    expect(command.announcements).toEqual([]);
    expect(fleet.server.counters()).toMatchObject({
      announcementsTotal: 1,
      deliveriesTotal: 200,
      links: 201,
      halfOpen: 0,
    });
  });

  it('keeps its place among the messages of a session', async () => {
    const fleet = await scene();
    const agent = fleet.dial();
    await vi.waitFor(() => expect(agent.opened).toHaveLength(1));
    const links = fleet.links;
    const [link = 0] = links;
    for (let number = 1; number <= 20; number++) {
      fleet.server.execute({ type: 'announce', announcement: sampleAnnouncement(number), links });
      fleet.server.execute({ type: 'send', link, message: { type: 'beat', at: number } });
    }
    await vi.waitFor(() => expect(agent.order).toHaveLength(40));
    expect(agent.order).toEqual(Array.from({ length: 20 }, (_, index) => [`r${index + 1}`, `b${index + 1}`]).flat());
  });
});

describe('enrolment', () => {
  function options(fleet: Scene, code: Partial<EnrollmentOptions['code']> = {}): EnrollmentOptions {
    return { code: { ...fleet.code, ...code }, keys: nodeKeys(), name: 'pc-a', version: '0.1.0', now: Date.now };
  }

  it('of a member opens the secrets that the inviter left', async () => {
    const fleet = await scene();
    const enrolled = await enroll(options(fleet));
    expect(enrolled).toEqual({ fleet: fleet.fleet, name: 'pc-a', secrets: fleet.secrets, url: fleet.url });
  });

  it('of the founder makes the secrets', async () => {
    const fleet = await scene({ founding: true });
    const founder = options(fleet, { founder: null });
    const { secrets } = await enroll(founder);
    expect([secrets.keyEpoch, secrets.fleetKey.length, secrets.fingerprintKey.length]).toEqual([1, 32, 32]);
  });

  it('tries the addresses in turn', async () => {
    const fleet = await scene();
    const enrolled = await enroll(options(fleet, { urls: ['ws://127.0.0.1:1', fleet.url] }));
    expect(enrolled.url).toBe(fleet.url);
  });

  it('says who cannot be reached', async () => {
    const fleet = await scene();
    const attempt = enroll(options(fleet, { urls: ['ws://127.0.0.1:1', 'ws://127.0.0.1:2'] }));
    await expect(attempt).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining('127.0.0.1:2') });
  });

  it('turns away from another coordinator, whatever it would say', async () => {
    const fleet = await scene();
    const attempt = enroll(options(fleet, { coordinatorKey: createSigningKey().publicKey }));
    await expect(attempt).rejects.toMatchObject({ exitCode: 77, code: 'ERR_COORDINATOR_IDENTITY' });
    expect(fleet.events).toEqual([]);
  });

  it('passes on why the code is not accepted', async () => {
    const fleet = await scene({ refuse: { reason: 'refused', message: 'this join code was used already.' } });
    await expect(enroll(options(fleet))).rejects.toMatchObject({
      exitCode: 77,
      message: 'this join code was used already.',
    });
  });

  it('joins no other fleet than the one of the code', async () => {
    const fleet = await scene({ founding: true });
    await expect(enroll(options(fleet))).rejects.toMatchObject({ exitCode: 77 });
  });
});

it('a member of another fleet is not served', async () => {
  const fleet = await scene();
  const other = await scene();
  const closed: string[] = [];
  openLink(fleet.linkOptions({ fleet: other.fleet }), {
    opened: () => closed.push('opened'),
    message: () => undefined,
    announcement: () => undefined,
    closed: reason => closed.push(reason),
  });
  await vi.waitFor(() => expect(closed).toEqual(['unauthenticated']));
});
