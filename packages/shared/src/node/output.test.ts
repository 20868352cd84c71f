import { describe, expect, it } from 'vitest';
import { table, visible } from './output.ts';

const esc = String.fromCharCode(27);
const red = `${esc}[31mred${esc}[39m`;

describe(visible, () => {
  it.each([
    ['plain', 'plain'],
    [red, red],
    [`${esc}]0;title${String.fromCharCode(7)}`, '\\x1b]0;title\\x07'],
    ['two\nlines', 'two\nlines'],
    ['a\rb\tc', 'a\\x0db\\x09c'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

describe(table, () => {
  it('pads by what is seen, and keeps a row a row', () => {
    expect(
      table(
        ['A', 'B'],
        [
          [red, 'x'],
          ['one\ntwo', 'y'],
        ],
      ),
    ).toBe(`A         B\n${red}       x\none\\ntwo  y`);
  });
});
