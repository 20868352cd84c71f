/**
 * Node 22 warns on stderr that its SQLite is experimental; an operator can do nothing about it. To be called before
 * a database is opened. All other warnings stay.
 */
export function hideSqliteWarning(host: Pick<NodeJS.Process, 'emitWarning'> = process): void {
  const emit = host.emitWarning.bind(host) as (...args: readonly unknown[]) => void;
  host.emitWarning = (...args: readonly unknown[]) => {
    const [warning, kind] = args;
    if (kind === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    emit(...args);
  };
}
