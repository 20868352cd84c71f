import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatewayTokenFiles, gatewayTokenTrouble, putGatewayToken, readGatewayToken } from './gateway-token.ts';

let folder: string;
let before: string | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-gateway-'));
  before = process.env.HOME;
  process.env.HOME = folder;
});
afterEach(async () => {
  process.env.HOME = before;
  await rm(folder, { recursive: true, force: true });
});

const stateDir = () => join(folder, '.openclaw');
const unit = () => join(folder, '.config/systemd/user/openclaw-gateway.service');
const config = (gateway: object) => `${JSON.stringify({ meta: { a: [1] }, gateway, last: true }, null, 2)}\n`;

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
/** Of this host's files alone: other programs of this machine are not this test's. */
const tokens = async () =>
  (await readGatewayToken(stateDir())).flatMap(one =>
    one.kind === 'stored' && one.state === 'read' ? [one.value] : [],
  );

describe('the gateway’s token', () => {
  it('is found in every file of a host that has it, and only there', async () => {
    expect(await readGatewayToken(stateDir())).toContainEqual({ source: stateDir(), kind: 'stored', state: 'missing' });
    await write(
      join(stateDir(), 'openclaw.json'),
      config({ auth: { token: 'one' }, remote: { url: 'ws://a', token: 'two' } }),
    );
    await write(join(stateDir(), '.env'), 'OPENCLAW_GATEWAY_TOKEN=three\n');
    await write(unit(), '[Service]\nEnvironment="NODE_ENV=x"\nEnvironment=OPENCLAW_GATEWAY_TOKEN=four\n');
    await write(`${unit()}.d/token.conf`, '[Service]\nEnvironment="A=b" "OPENCLAW_GATEWAY_TOKEN=five"\n');
    expect((await tokens()).toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
    expect(await gatewayTokenFiles(stateDir())).toHaveLength(4);
  });

  it('that is only pointed to is not one', async () => {
    await write(
      join(stateDir(), 'openclaw.json'),
      config({ auth: { token: ['$', '{OPENCLAW_GATEWAY_TOKEN}'].join('') } }),
    );
    expect(await tokens()).toEqual([]);
    await write(join(stateDir(), 'openclaw.json'), config({ auth: { token: { source: 'exec', id: 'x' } } }));
    expect(await tokens()).toEqual([]);
  });

  it('is put wherever it stands, and nothing else changes', async () => {
    const paths = [join(stateDir(), 'openclaw.json'), join(stateDir(), '.env'), unit()];
    const texts = (token: string) => [
      config({ mode: 'local', auth: { mode: 'token', token } }),
      `# mine\nOPENCLAW_GATEWAY_TOKEN=${token} # here\nB=2\n`,
      `[Service]\nEnvironment="A=b" "OPENCLAW_GATEWAY_TOKEN=${token}" C=d\n`,
    ];
    for (const [index, text] of texts('old').entries()) await write(paths[index] ?? '', text);
    expect(await putGatewayToken(stateDir(), 'new-1')).toMatchObject({ state: 'written' });
    expect(await Promise.all(paths.map(path => readFile(path, 'utf8')))).toEqual(texts('new-1'));
    expect(await putGatewayToken(stateDir(), 'new-1')).toMatchObject({ state: 'same' });
  });

  it('is put nowhere where there is none, or where it would not be read as it is', async () => {
    expect(await putGatewayToken(stateDir(), 'new')).toMatchObject({
      state: 'failed',
      why: expect.stringContaining('gateway.auth.token'),
    });
    await write(join(stateDir(), 'openclaw.json'), config({ auth: { token: 'old' } }));
    expect(await putGatewayToken(stateDir(), 'two words')).toMatchObject({ state: 'failed' });
    expect(await tokens()).toEqual(['old']);
  });

  it('is not put anywhere while one of its places cannot be read: nobody would know whether that has one', async () => {
    const comment = '// mine\n{ "gateway": { "auth": { "token": "old" } } }\n';
    await write(join(stateDir(), 'openclaw.json'), comment);
    await write(join(stateDir(), '.env'), 'OPENCLAW_GATEWAY_TOKEN=old\n');
    expect(await readGatewayToken(stateDir())).toContainEqual(
      expect.objectContaining({ state: 'unreadable', source: expect.stringContaining('openclaw.json') }),
    );
    const put = await putGatewayToken(stateDir(), 'new');
    expect(put).toMatchObject({ state: 'failed', why: expect.stringContaining('openclaw.json') });
    expect(await gatewayTokenTrouble(stateDir())).toBe(put.why);
    expect(await tokens()).toEqual(['old']);
  });
});
