import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDotenv, withAssignment } from './dotenv-text.ts';
import { type GivenValue, putSecret } from './secret-target.ts';

const plain = (text: string): GivenValue => ({ exact: text, text, isDotenv: false });
const never = new AbortController().signal;

describe('withAssignment', () => {
  it.each([
    ['A=1\n# why\nKEY=old # ours\nB=2\n', 'A=1\n# why\nKEY=new # ours\nB=2\n'],
    ['export KEY="old"\nKEY=last', 'export KEY="old"\nKEY=new'],
    ['A=1\r\nKEY=old\r\nB=2\r\n', 'A=1\r\nKEY=new\nB=2\r\n'],
    ['KEY="two\nlines"\nB=2\n', 'KEY=new\nB=2\n'],
    ['A=1', 'A=1\nKEY=new\n'],
    ['', 'KEY=new\n'],
    ['# KEY=old\n', '# KEY=old\nKEY=new\n'],
    ['KEY=new\n', 'KEY=new\n'],
  ])('%j', (before, after) => {
    expect(withAssignment(before, 'KEY', 'new')).toBe(after);
  });

  it('changes one assignment and nothing else', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '# comment',
        '',
        'export A=1',
        "B='two words'",
        'C="a # b"',
        'not an assignment',
        'KEY=old',
        'D=x\r',
      ),
    );
    fc.assert(
      fc.property(fc.array(line), lines => {
        const before = lines.join('\n');
        const others = (text: string) =>
          parseDotenv(text)
            .filter(({ key }) => key !== 'KEY')
            .map(({ key, value }) => [key, value]);
        const after = withAssignment(before, 'KEY', 'new');
        expect(parseDotenv(after).findLast(({ key }) => key === 'KEY')?.value).toBe('new');
        expect(others(after)).toEqual(others(before));
        expect(withAssignment(after, 'KEY', 'new')).toBe(after);
      }),
    );
  });
});

describe('putSecret into a dotenv file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authmesh-target-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const file = () => join(folder, 'app.env');
  const put = (value: GivenValue, path = file()) => putSecret('KEY', { dotenv: path }, value, never);

  it('writes it through a link, keeps the mode, and says when it stood there already', async () => {
    await writeFile(file(), 'KEY=old\n');
    await chmod(file(), 0o640);
    await symlink(file(), join(folder, 'link.env'));
    expect(await put(plain('new'), join(folder, 'link.env'))).toMatchObject({ state: 'written' });
    expect([await readFile(file(), 'utf8'), (await stat(file())).mode & 0o777]).toEqual(['KEY=new\n', 0o640]);
    expect(await put(plain('new'))).toMatchObject({ state: 'same' });
  });

  it.each([
    ['simple-1', 'simple-1'],
    ['two words', 'two words'],
    ['with # sign', "'with # sign'"],
    [' blank', "' blank'"],
    ["it's", '"it\'s"'],
    ['both \' and "', '`both \' and "`'],
    ['two\nlines', "'two\nlines'"],
  ])('%j stands there as %s', async (text, written) => {
    await put(plain(text));
    expect(parseDotenv(await readFile(file(), 'utf8')).findLast(({ key }) => key === 'KEY')?.value).toBe(written);
  });

  it('writes it as it stood in another dotenv file, but for the end of its line', async () => {
    await put({ exact: '"quoted"\r', text: 'quoted', isDotenv: true });
    expect(await readFile(file(), 'utf8')).toBe('KEY="quoted"\n');
  });

  it('names what is in its way, and no part of the value', async () => {
    expect(await put(plain('new'), join(folder, 'none', 'app.env'))).toMatchObject({
      state: 'failed',
      why: 'there is no such folder',
    });
    const impossible = await put(plain('all of \' " `'));
    expect([impossible.state, impossible.why]).toEqual([
      'failed',
      expect.stringContaining('no dotenv file can hold it'),
    ]);
    await writeFile(join(folder, 'a-file'), '');
    expect((await put(plain('new'), join(folder, 'a-file', 'app.env'))).state).toBe('failed');
  });
});
