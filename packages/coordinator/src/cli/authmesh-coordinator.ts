#!/usr/bin/env node
import { exitCodeOf, operatorSentence } from '@authmesh/shared/node/errors';
import { hideSqliteWarning } from '@authmesh/shared/node/experimental-warning';
import { requireNode } from '@authmesh/shared/node/version';

// Before anything that an older Node cannot load: its own error would say nothing to the operator.
try {
  requireNode();
  hideSqliteWarning();
  const { main } = await import('./main.ts');
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`authmesh-coordinator: ${operatorSentence(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
