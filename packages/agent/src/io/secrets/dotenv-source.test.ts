import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDotenv } from './dotenv-source.ts';
import { parseDotenv } from './dotenv-text.ts';

const read = (text: string) => parseDotenv(text).map(({ key, value }) => [key, value]);

describe('parseDotenv', () => {
  it.each([
    [
      'A=plain\nB=other',
      [
        ['A', 'plain'],
        ['B', 'other'],
      ],
    ],
    ['# A=no\n\nexport A = spaced  # why\n', [['A', 'spaced']]],
    [
      'A="quoted # no comment" # comment\r\nB=x\r\n',
      [
        ['A', '"quoted # no comment"'],
        ['B', 'x\r'],
      ],
    ],
    ['A="quoted"\r\n', [['A', '"quoted"\r']]],
    [
      'A="two\nlines"\nB=1',
      [
        ['A', '"two\nlines"'],
        ['B', '1'],
      ],
    ],
    [
      'A="with \\" inside"\nB=\'and "this"\'',
      [
        ['A', '"with \\" inside"'],
        ['B', `'and "this"'`],
      ],
    ],
    [
      'A="open\nB=1',
      [
        ['A', '"open'],
        ['B', '1'],
      ],
    ],
    [
      'A=\nB=#none\nnot an assignment\nC=a#b',
      [
        ['A', ''],
        ['B', ''],
        ['C', 'a#b'],
      ],
    ],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it('gives back what was written in any of the styles, at the place where it stands', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'B', '7', '-', '=', '+', '/'), minLength: 1 });
    const style = fc.constantFrom('', '"', "'", '`');
    const line = fc.record({ key: fc.constantFrom('A', 'B_1', 'c.d'), value, style, comment: fc.boolean() });
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), (lines, ending) => {
        const text = lines
          .map(one => `${one.key}=${one.style}${one.value}${one.style}${one.comment ? ' # note' : ''}${ending}`)
          .join('');
        const found = parseDotenv(text);
        expect(found.map(({ key }) => key)).toEqual(lines.map(({ key }) => key));
        for (const [index, { value: raw, start, end }] of found.entries()) {
          const { value: written, style: quote } = lines[index] ?? { value: '', style: '' };
          expect(raw.trimEnd()).toBe(`${quote}${written}${quote}`);
          expect(text.slice(start, end)).toBe(raw);
        }
      }),
    );
  });
});

describe('readDotenv', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authmesh-dotenv-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('takes the last assignment, and tells a missing key from a missing file', async () => {
    const path = join(folder, '.env');
    await writeFile(path, 'A=1\nA=2\nEMPTY=\n');
    expect(await readDotenv(path, 'A')).toEqual({ source: path, kind: 'stored', state: 'read', value: '2' });
    expect(await readDotenv(path, 'B')).toMatchObject({ state: 'missing' });
    expect(await readDotenv(path, 'EMPTY')).toMatchObject({ state: 'missing' });
    const absent = join(folder, 'none');
    expect(await readDotenv(absent, 'A')).toMatchObject({ state: 'unreadable', why: 'there is no such file' });
    expect(await readDotenv(folder, 'A')).toMatchObject({ state: 'unreadable' });
  });
});
