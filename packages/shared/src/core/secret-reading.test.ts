import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looseValue } from './secret-reading.ts';

describe('looseValue', () => {
  it.each([
    ['plain', 'plain', []],
    ['"plain"', 'plain', ['quotes']],
    ["'plain'", 'plain', ['quotes']],
    [' plain', 'plain', ['white space']],
    ['plain\r', 'plain', ['line ends']],
    ['plain\r\n', 'plain', ['line ends']],
    [' "plain "\r', 'plain', ['quotes', 'white space', 'line ends']],
    ['two\r\nlines', 'two\nlines', ['line ends']],
    ['two\r\r\nlines', 'two\nlines', ['line ends']],
    ['""', '""', []],
    ['"open', '"open', []],
  ])('%j is %j', (value, text, forms) => {
    expect(looseValue(value)).toEqual({ text, forms });
  });

  it('finds nothing more in what it left', () => {
    const odd = fc.string({ unit: fc.constantFrom('a', '"', "'", '`', ' ', '\n', '\r', '\t') });
    fc.assert(
      fc.property(odd, value => {
        const { text } = looseValue(value);
        expect(looseValue(text)).toEqual({ text, forms: [] });
      }),
    );
  });
});
