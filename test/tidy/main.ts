/** Searches the whole tree for what looks like a live credential, or names a place of one machine. */
import { findMachinePaths, findSecrets } from './secrets.ts';
import { readTree } from './tree.ts';

const tree = readTree();
const problems = [...findSecrets(tree), ...findMachinePaths(tree)];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${tree.length} files were searched, ${problems.length} have to be looked at.\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
