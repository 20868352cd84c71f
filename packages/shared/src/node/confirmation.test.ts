import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm, hasTerminal } from './confirmation.ts';

describe('a question', () => {
  it.each([
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('that is answered with %j is %s', async (typed, answer) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const asked = confirm('Leave?', { input, output });
    input.end(typed);
    expect(await asked).toBe(answer);
    expect(String(output.read())).toContain('Leave? [y/N] ');
  });

  it('is not put where nobody can answer', () => {
    expect(hasTerminal({ input: new PassThrough(), output: new PassThrough() })).toBe(false);
  });
});
