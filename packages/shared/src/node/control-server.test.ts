import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askControl, probeControl, streamControl } from './control-client.ts';
import { requestBytesMax } from './control-protocol.ts';
import { type ControlHandler, type ControlServer, openControlServer } from './control-server.ts';
import { AuthmeshError } from './errors.ts';

let home: string;
const open: ControlServer[] = [];
const children: ChildProcess[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'authmesh-control-'));
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(handle: ControlHandler, onFault?: (error: unknown) => void): Promise<ControlServer> {
  const server = await openControlServer({ home, handle, onFault });
  open.push(server);
  return server;
}

describe('control socket', () => {
  it('answers requests, several at once, over a socket of mode 0600', async () => {
    const server = await start(async request => ({ heard: request }));
    expect((await stat(server.path)).mode & 0o777).toBe(0o600);
    const answers = await Promise.all([1, 2, 3].map(request => askControl({ home, request })));
    expect(answers).toEqual([{ heard: 1 }, { heard: 2 }, { heard: 3 }]);
    expect(await probeControl(home)).toBe(process.pid);
  });

  it('streams until the client has enough, and tells the handler', async () => {
    let ended = false;
    await start(async function* (_request, signal) {
      try {
        for (let item = 0; !signal.aborted; item++) yield item;
      } finally {
        ended = true;
      }
    });
    const seen: unknown[] = [];
    for await (const item of streamControl({ home, request: 'watch' })) if (seen.push(item) === 3) break;
    expect(seen).toEqual([0, 1, 2]);
    await vi.waitFor(() => expect(ended).toBe(true));
  });

  it('ends a stream when the caller aborts', async () => {
    await start(async function* (_request, signal) {
      yield 1;
      await new Promise(resolve => signal.addEventListener('abort', resolve));
    });
    const stop = new AbortController();
    const seen: unknown[] = [];
    for await (const item of streamControl({ home, request: 'watch', signal: stop.signal })) {
      seen.push(item);
      stop.abort();
    }
    expect(seen).toEqual([1]);
  });

  it('hands an operator error over whole, and only the fact of any other', async () => {
    const faults: unknown[] = [];
    await start(
      async request => {
        if (request === 'bug') throw new Error('inner words');
        throw new AuthmeshError('ERR_NOT_FOUND', 'no profile "x"', { hint: 'see status', exitCode: 64 });
      },
      error => void faults.push(error),
    );
    await expect(askControl({ home, request: 'x' })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: 'no profile "x"',
      hint: 'see status',
      exitCode: 64,
    });
    await expect(askControl({ home, request: 'bug' })).rejects.toMatchObject({
      message: expect.not.stringContaining('inner words'),
    });
    expect(faults).toHaveLength(1);
  });

  it('is unreachable when nobody listens or nobody answers in time', async () => {
    const error = { code: 'ERR_DAEMON_UNREACHABLE', exitCode: 69 };
    await expect(askControl({ home, request: 1 })).rejects.toMatchObject(error);
    await start(() => new Promise(() => {}));
    await expect(askControl({ home, request: 1, timeoutMs: 50 })).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining('no answer within 50 ms'),
    });
  });

  it.each([
    ['garbage', 'not json\n', 'not understood'],
    ['an unknown form', '{"id":1,"what":2}\n', 'not understood'],
    ['a line without end', 'x'.repeat(requestBytesMax + 1), 'longer than'],
  ])('refuses %s and goes on', async (_name, text, words) => {
    const { path } = await start(async request => request);
    const answer = await new Promise<string>((resolve, reject) => {
      let heard = '';
      const socket = connect(path, () => socket.write(text));
      socket.on('data', data => {
        heard += String(data);
      });
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
    });
    expect(answer).toContain(words);
    expect(await askControl({ home, request: 'still there' })).toBe('still there');
  });

  it('names the living process that already listens', async () => {
    await start(async request => request);
    await expect(openControlServer({ home, handle: async () => null })).rejects.toMatchObject({
      code: 'ERR_ALREADY_RUNNING',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await askControl({ home, request: 1 })).toBe(1);
  });

  it('replaces the socket file of a killed process', async () => {
    const path = join(home, 'control.sock');
    const code = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await new Promise(resolve => child.stdout?.once('data', resolve));
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect((await stat(path)).isSocket()).toBe(true);
    await start(async request => request);
    expect(await askControl({ home, request: 1 })).toBe(1);
  });

  it('finds a short path for a home whose own is too long, and leaves nothing behind', async () => {
    home = join(home, 'n'.repeat(120));
    await mkdir(home, { mode: 0o700 });
    const server = await start(async request => request);
    expect(server.path.startsWith(tmpdir())).toBe(true);
    expect(await askControl({ home, request: 1 })).toBe(1);
    await open.pop()?.close();
    await expect(stat(server.path)).rejects.toThrow('ENOENT');
    expect(await readdir(home)).toEqual([]);
    await writeFile(join(home, 'control.path'), '/nonexistent/authmesh/s\n', { mode: 0o600 });
    await expect(askControl({ home, request: 1 })).rejects.toMatchObject({ exitCode: 69 });
    await start(async request => request);
    expect(await askControl({ home, request: 2 })).toBe(2);
  });
});
