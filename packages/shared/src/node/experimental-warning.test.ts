import { expect, it } from 'vitest';
import { hideSqliteWarning } from './experimental-warning.ts';

it('hides the one warning and keeps all others', () => {
  const heard: unknown[][] = [];
  const host = { emitWarning: (...args: unknown[]) => void heard.push(args) };
  hideSqliteWarning(host);
  host.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
  host.emitWarning('Something else is an experimental feature', 'ExperimentalWarning');
  host.emitWarning('SQLite is old', 'DeprecationWarning');
  expect(heard.map(([warning]) => warning)).toEqual(['Something else is an experimental feature', 'SQLite is old']);
});
