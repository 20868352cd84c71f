import { copyFile, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { expect, it } from 'vitest';
import { journalFileName, openJournal } from './agent-journal.ts';
import { forgetMembership } from './membership-end.ts';

it('an ended membership leaves agent.json alone, and no journal of another host either', async () => {
  const home = await mkdtemp(join(tmpdir(), 'authmesh-home-'));
  const theirs = await mkdtemp(join(tmpdir(), 'authmesh-home-'));
  await (await openJournal(theirs, { owner: '2'.repeat(32) as NodeId })).close();
  await copyFile(join(theirs, journalFileName), join(home, journalFileName));
  await (await openJournal(home, { owner: '1'.repeat(32) as NodeId })).close();
  await writeFile(join(home, 'agent.json'), '{}');
  expect(await readdir(home)).toHaveLength(3);
  await forgetMembership(home);
  expect(await readdir(home)).toEqual(['agent.json']);
  await forgetMembership(home);
});
