import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthmeshError, systemReason } from '@authmesh/shared/node/errors';
import { journalFiles } from '@authmesh/shared/runtime/input-journal';
import { isForeignJournal, journalFileName } from './agent-journal.ts';
import { syncDirectory } from './durable-file.ts';
import { identityFileName } from './identity.ts';
import { overviewFileName } from './overview-file.ts';

/**
 * Removes what an ended membership leaves in the agent's home: the logins of its vault, what it knew of the fleet, and at
 * last its keys, so that a removal that breaks off can be repeated. `agent.json` is the operator's own. May be repeated.
 */
export async function forgetMembership(home: string): Promise<void> {
  const strange = (await readdir(home)).filter(isForeignJournal).map(name => join(home, name));
  const files = [join(home, journalFileName), ...strange, ...journalFiles(home), join(home, overviewFileName)];
  for (const file of [...files, join(home, identityFileName)]) {
    try {
      await rm(file, { force: true });
    } catch (error) {
      throw new AuthmeshError('ERR_FILE_ACCESS', `cannot remove ${file}: ${systemReason(error)}`, {
        hint: 'remove it yourself: the membership is over, and it holds what is of no more use',
        cause: error,
      });
    }
  }
  await syncDirectory(home);
}
