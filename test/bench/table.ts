import type { Figure } from './figure.ts';

const heads = ['figure', 'authmesh', 'p99', 'floor', 'p99', '×', 'target', 'met'] as const;

/** The figures as a table of plain text. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [[...heads], ...figures.map(rowOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows
    .map(row =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function rowOf({ name, unit, value, p99, floor, target, failure }: Figure): string[] {
  return [
    name,
    `${show(value)} ${unit}`,
    p99 === undefined ? '' : show(p99),
    floor ? `${show(floor.value)} ${floor.name}` : '',
    floor?.p99 === undefined ? '' : show(floor.p99),
    floor ? show(value / floor.value) : '',
    target?.words ?? '',
    failure ?? (target ? (target.met ? 'yes' : 'no') : ''),
  ];
}

function pad(cell: string, width: number, column: number): string {
  const isNumber = column === 2 || column === 4 || column === 5;
  return isNumber ? cell.padStart(width) : cell.padEnd(width);
}

/** Three digits that count. */
function show(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
