import { expect, it } from 'vitest';
import { operatorSentence } from './errors.ts';
import { isSupportedNode, packageVersion, requireNode } from './version.ts';

it('knows its own version', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

it.each([
  ['v20.19.0', false],
  ['22.21.9', false],
  ['22.22.0', true],
  ['v23.0.0', true],
  ['v24.21.0', true],
])('says of Node %s whether it will do: %s', (version, expected) => {
  expect(isSupportedNode(version)).toBe(expected);
});

it('says what it needs', () => {
  requireNode();
  let caught: unknown;
  try {
    requireNode('v20.1.0');
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ code: 'ERR_NODE_VERSION', exitCode: 78 });
  expect(operatorSentence(caught)).toContain('authmesh needs Node 22.22 or newer, this is 20.1.0');
});
