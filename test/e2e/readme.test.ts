import { describe, expect, it } from 'vitest';
import {
  adoptDocument,
  codeDocument,
  coordinatorStatusDocument,
  doctorDocument,
  explainDocument,
  inviteDocument,
  joinDocument,
  listeningDocument,
  nodesDocument,
  statusDocument,
} from './harness/contract.ts';
import { oauth, owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();

describe('the way of the README', () => {
  it('a token changed on one host is read on the other, and both tell the same of it', async () => {
    const fleet = await stage.fleet();
    const [pcA, t440] = [fleet.host('pc-a'), fleet.host('t440')];
    const login = owner();
    pcA.store().put(login.profile, oauth(login));
    t440.store().put(login.profile, oauth(login, -3_600_000));

    const [line = ''] = fleet.coordinator.daemon().stdout().split('\n');
    const { foundingCode } = listeningDocument.parse(JSON.parse(line));
    const again = await fleet.coordinator.command('code', '--json');
    expect(codeDocument.parse(JSON.parse(again.stdout)).foundingCode).toBe(foundingCode);

    const joinArguments = ['--name', 'pc-a', '--state-dir', pcA.stateDir];
    const founded = await pcA.json('join', foundingCode ?? '', ...joinArguments);
    expect(joinDocument.parse(founded.document)).toMatchObject({ node: { name: 'pc-a' }, fleet: { nodes: 1 } });
    await pcA.start();
    const invited = inviteDocument.parse((await pcA.json('invite')).document);
    expect(invited.uses).toBe(1);
    const joined = await t440.json('join', invited.code, '--name', 't440', '--state-dir', t440.stateDir);
    expect(joinDocument.parse(joined.document).fleet.nodes).toBe(2);
    await t440.start();

    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await t440.store().holds(login.profile, renewed);
    expect(t440.store().entry(login.profile)).not.toHaveProperty('refresh');

    // Both vaults have it: the last store gives its refresh token up.
    await pcA.accountIs(login, account => account?.copies.every(({ custody }) => custody === 'bearer') === true);
    const statuses = await Promise.all(
      [pcA, t440].map(async host => {
        const { code, document } = await host.json('status');
        expect(code).toBe(0);
        return statusDocument.parse(document);
      }),
    );
    const accounts = statuses.map(({ accounts: [first] }) => first);
    expect(accounts[0]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(accounts[1]?.fingerprint).toBe(accounts[0]?.fingerprint);
    for (const account of accounts) {
      expect(account).toMatchObject({
        account: `openai/${login.account}`,
        state: 'fresh',
        origin: 'pc-a',
        home: 'pc-a',
      });
      const copies = account?.copies.map(({ node, state, custody }) => ({ node, state, custody }));
      expect(copies).toHaveLength(2);
      expect(copies).toContainEqual({ node: 'pc-a', state: 'current', custody: 'bearer' });
      expect(copies).toContainEqual({ node: 't440', state: 'current', custody: 'bearer' });
    }

    const nodes = nodesDocument.parse((await t440.json('nodes')).document);
    expect(nodes.map(({ name, online, invitedBy }) => ({ name, online, invitedBy }))).toEqual([
      { name: 'pc-a', online: true, invitedBy: null },
      { name: 't440', online: true, invitedBy: 'pc-a' },
    ]);
    const explained = explainDocument.parse((await t440.json('explain', login.profile)).document);
    expect(explained.current).toMatchObject({ fingerprint: accounts[0]?.fingerprint, origin: 'pc-a' });
    expect(explained.history.map(entry => entry.verdict)).toContain('stale');
    const doctor = await t440.json('doctor');
    expect([doctor.code, doctorDocument.parse(doctor.document).healthy]).toEqual([0, true]);
    const adopted = await t440.json('adopt', '--all');
    expect([adopted.code, adoptDocument.parse(adopted.document)]).toEqual([0, { adopted: [], problems: [] }]);
    const central = await fleet.coordinator.command('status', '--json');
    expect(coordinatorStatusDocument.parse(JSON.parse(central.stdout)).accounts).toHaveLength(1);
  });
});
