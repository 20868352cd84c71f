import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AccountId,
  copyKey,
  type Fingerprint,
  type NodeId,
  type ProfileId,
  type Sealed,
  type StoreId,
} from '@authmesh/shared/core/identifiers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type JournalEntry, openJournal } from './agent-journal.ts';

const print = (): Fingerprint => randomBytes(16).toString('hex') as Fingerprint;
const store = '/state/auth-profiles.json' as StoreId;
const accountOf = (n: number): AccountId => `oauth:openai/acct_${n}` as AccountId;

function copyEntry(n: number): Extract<JournalEntry, { kind: 'copy' }> {
  const profile = `openai:${n}` as ProfileId;
  const last = { access: print(), refresh: print() };
  return {
    kind: 'copy',
    key: copyKey(store, profile),
    copy: { store, profile, account: accountOf(n), last, chain: [last] },
  };
}
function accountEntry(n: number, revision = 1): Extract<JournalEntry, { kind: 'account' }> {
  const node = randomBytes(16).toString('hex') as NodeId;
  return {
    kind: 'account',
    account: {
      account: accountOf(n),
      kind: 'oauth',
      profile: `openai:${n}` as ProfileId,
      position: { epoch: 1, revision },
      generation: revision,
      access: print(),
      expiresAt: Date.now(),
      origin: node,
      home: node,
      restored: false,
    },
    sealed: randomBytes(900).toString('base64') as Sealed,
  };
}

let home: string;
let file: string;
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'authmesh-journal-')), 'home');
  file = join(home, 'journal.ndjson');
});

async function reopened() {
  const journal = await openJournal(home);
  await journal.close();
  return journal.contents;
}

describe('the journal', () => {
  it('is 0600 in a home of 0700, and keeps the last entry of a key', async () => {
    const journal = await openJournal(home);
    const [first, second, copy] = [accountEntry(1), accountEntry(1, 2), copyEntry(1)];
    await journal.append([first, copy]);
    await journal.append([second]);
    await journal.close();
    const contents = await reopened();
    expect([...contents.accounts.values()]).toEqual([{ account: second.account, sealed: second.sealed }]);
    expect(contents.copies.get(copy.key)).toEqual(copy.copy);
    expect(contents.damagedLines).toBe(0);
    expect([(await stat(home)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(2);
  });

  it('forgets a copy that is gone', async () => {
    const journal = await openJournal(home);
    const copy = copyEntry(1);
    await journal.append([copy, { ...copy, copy: null }]);
    await journal.close();
    expect((await reopened()).copies.size).toBe(0);
    expect(await readFile(file, 'utf8')).toBe('');
  });

  it('passes over a torn last line and goes on after it', async () => {
    const journal = await openJournal(home);
    const [one, two, three] = [copyEntry(1), copyEntry(2), copyEntry(3)];
    await journal.append([one, two]);
    await journal.close();
    await truncate(file, (await stat(file)).size - 10);
    const second = await openJournal(home);
    expect([...second.contents.copies.keys()]).toEqual([one.key]);
    expect(second.contents.damagedLines).toBe(0);
    await second.append([three]);
    await second.close();
    expect([...(await reopened()).copies.keys()]).toEqual([one.key, three.key]);
  });

  it('skips and counts lines that are damaged', async () => {
    const journal = await openJournal(home);
    const [one, two] = [copyEntry(1), copyEntry(2)];
    await journal.append([one]);
    await journal.close();
    const misfiled = { ...two, key: one.key };
    const bad = ['{"kind":"copy"', '{"kind":"other"}', JSON.stringify(misfiled), '\0\0', ''];
    await appendFile(file, `${bad.join('\n')}\n${JSON.stringify(two)}\n`);
    const contents = await reopened();
    expect([...contents.copies.keys()]).toEqual([one.key, two.key]);
    expect(contents.damagedLines).toBe(bad.length);
  });

  it('shares one sync among callers that come together', async () => {
    let syncs = 0;
    const journal = await openJournal(home, { at: step => void (step === 'synced' && syncs++) });
    await Promise.all(Array.from({ length: 200 }, (_, n) => journal.append([copyEntry(n)])));
    await journal.close();
    expect(syncs).toBeLessThan(5);
    expect((await reopened()).copies.size).toBe(200);
  });

  it('writes only the fields it knows, so that no secret slips in', async () => {
    const journal = await openJournal(home);
    const secret = randomBytes(16).toString('hex');
    const entry = accountEntry(1);
    const loose = { ...entry, access: secret, account: { ...entry.account, token: secret } };
    await journal.append([loose]);
    await journal.close();
    expect((await readFile(file, 'utf8')).includes(secret)).toBe(false);
  });

  it('is written anew when it has grown, and loses nothing by it', async () => {
    let compactions = 0;
    const journal = await openJournal(home, { at: step => void (step === 'compacted' && compactions++) });
    for (let revision = 1; revision <= 100; revision++) {
      await journal.append(Array.from({ length: 20 }, (_, n) => accountEntry(n, revision)));
    }
    await journal.close();
    expect(compactions).toBeGreaterThan(1);
    expect((await stat(file)).size).toBeLessThan(1.2 * 1024 * 1024);
    const { accounts } = await reopened();
    expect([...accounts.values()].map(({ account }) => account.position.revision)).toEqual(Array(20).fill(100));
    expect((await stat(file)).size).toBeLessThan(64 * 1024);
  });

  it('tells its callers when it cannot write, and goes on cleanly when it can again', async () => {
    let isFull = true;
    const at = (step: string): void => {
      if (step === 'written' && isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    const journal = await openJournal(home, { at });
    await expect(journal.append([copyEntry(1)])).rejects.toThrow('no space');
    isFull = false;
    const two = copyEntry(2);
    await journal.append([two]);
    await journal.close();
    expect([...(await reopened()).copies.keys()]).toEqual([two.key]);
  });

  it('of another host is set aside, and nothing of it counts', async () => {
    const [ours, theirs] = ['1'.repeat(32) as NodeId, '2'.repeat(32) as NodeId];
    const journal = await openJournal(home, { owner: theirs });
    await journal.append([copyEntry(1), accountEntry(2)]);
    await journal.close();
    const text = await readFile(file, 'utf8');
    const again = await openJournal(home, { owner: theirs });
    await again.close();
    expect([again.contents.copies.size, again.contents.foreignOwner]).toEqual([1, undefined]);
    const here = await openJournal(home, { owner: ours });
    await here.append([copyEntry(3)]);
    await here.close();
    expect([here.contents.copies.size, here.contents.accounts.size, here.contents.foreignOwner]).toEqual([
      0,
      0,
      theirs,
    ]);
    expect(await readFile(`${file}.of-${theirs.slice(0, 12)}`, 'utf8')).toBe(text);
    const later = await openJournal(home, { owner: ours });
    await later.close();
    expect([later.contents.copies.size, later.contents.foreignOwner]).toEqual([1, undefined]);
  });

  describe('that has lost something', () => {
    const owner = '1'.repeat(32) as NodeId;
    const open = async (isNew = false) => {
      const journal = await openJournal(home, { owner, isNew });
      await journal.close();
      return journal;
    };
    const holeAfter = async () => [(await open()).contents.hole, (await open()).contents.hole];

    it('because of damage says so at every start, whatever is written after it', async () => {
      await open(true);
      await appendFile(file, '{"kind":"lease","account":"oauth:xai/a","lease":{"epo\n');
      const journal = await openJournal(home, { owner });
      expect(journal.contents).toMatchObject({ damagedLines: 1, hole: {} });
      await journal.append([copyEntry(1)]);
      await journal.close();
      expect((await open()).contents).toMatchObject({ damagedLines: 0, hole: {} });
    });

    it('because it has vanished, or was another host’s, says so; one of a host that is just joining has lost nothing', async () => {
      expect(await holeAfter()).toEqual([{}, {}]);
      await rm(file);
      await open(true);
      expect(await holeAfter()).toEqual([undefined, undefined]);
      await (await openJournal(`${home}-2`, { owner: '2'.repeat(32) as NodeId, isNew: true })).close();
      await copyFile(join(`${home}-2`, 'journal.ndjson'), file);
      expect(await holeAfter()).toEqual([{}, {}]);
    });

    it('says so until what is missing counts no more', async () => {
      await open();
      const logins = [{ account: accountOf(1), access: print() }];
      const journal = await openJournal(home, { owner });
      await journal.append([{ kind: 'hole', hole: { logins } }]);
      await journal.close();
      const again = await openJournal(home, { owner });
      expect(again.contents.hole).toEqual({ logins });
      await again.append([{ kind: 'hole', hole: null }]);
      await again.close();
      expect(await holeAfter()).toEqual([undefined, undefined]);
    });
  });

  it('that names no host is this one’s from then on', async () => {
    const journal = await openJournal(home);
    await journal.append([copyEntry(1)]);
    await journal.close();
    const again = await openJournal(home, { owner: '1'.repeat(32) as NodeId });
    await again.close();
    expect(again.contents.copies.size).toBe(1);
    expect(await readFile(file, 'utf8')).toContain('"owner"');
  });

  it('starts with a file of nothing but noise', async () => {
    await (await openJournal(home)).close();
    await writeFile(file, randomBytes(4096));
    expect((await reopened()).copies.size).toBe(0);
  });
});

describe('kill -9 of the journal’s process', () => {
  it.each([['written'], ['synced'], ['compacting'], ['compacted'], ['any moment']])(
    'at %s loses nothing it had confirmed',
    async step => {
      const script = `
      import { openJournal } from ${JSON.stringify(join(import.meta.dirname, 'agent-journal.ts'))};
      import { writeSync } from 'node:fs';
      const { home, step, entry } = JSON.parse(process.argv[1]);
      let steps = 0;
      const journal = await openJournal(home, {
        at: reached => void (reached === step && ++steps === (step.startsWith('compact') ? 1 : 40) && process.kill(process.pid, 'SIGKILL')),
      });
      for (let revision = 1; ; revision++) {
        entry.account.position.revision = revision;
        // A megabyte has to come together before the file is written anew.
        await journal.append(Array(step.startsWith('compact') ? 50 : 1).fill(entry));
        writeSync(1, revision + '\\n');
      }`;
      const entry = accountEntry(1);
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', script, JSON.stringify({ home, step, entry })],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      let output = '';
      child.stdout.setEncoding('utf8').on('data', chunk => {
        output += chunk;
        if (step === 'any moment' && output.length > 200) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const confirmed = Number(output.trim().split('\n').at(-1));
      const { accounts, damagedLines } = await reopened();
      const found = accounts.get(accountOf(1))?.account.position.revision ?? 0;
      expect(found).toBeGreaterThanOrEqual(confirmed);
      expect(found).toBeLessThanOrEqual(confirmed + 1);
      expect(damagedLines).toBe(0);
      expect(await readdir(home)).toEqual(['journal.ndjson']);
    },
  );
});
