import { noteCatalogue } from '@authmesh/shared/core/notes';
import { closeCodes } from '@authmesh/shared/protocol/close-codes';
import type { ProjectFile } from './tree.ts';

/** A table of a page and the catalogue that it tells: each entry has its row, with the same words. */
interface Table {
  readonly page: string;
  readonly rows: readonly string[];
}

const tables: readonly Table[] = [
  {
    page: 'docs/operating.md',
    rows: Object.entries(noteCatalogue).map(([name, { level, says }]) => `| \`${name}\` | ${level} | ${says} |`),
  },
  {
    page: 'docs/protocol.md',
    rows: Object.entries(closeCodes).map(
      ([name, { code, fatal, meaning }]) => `| ${code} | \`${name}\` | ${fatal ? 'yes' : 'no'} | ${meaning} |`,
    ),
  },
];

/** Rows that a page lacks: what a table says has to be what the code does. */
export function findTableProblems(tree: readonly ProjectFile[]): string[] {
  return tables.flatMap(({ page, rows }) => {
    const text = plain(tree.find(({ path }) => path === page)?.text ?? '');
    return rows.filter(row => !text.includes(plain(row))).map(row => `${page} lacks the row ${row}`);
  });
}

function plain(text: string): string {
  return text.replaceAll('’', "'");
}
