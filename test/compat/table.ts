import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Prints, after the run, one line a check: the release, the check, how it ended and how long it took. */
export class CompatTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.flatMap(module => [...module.children.allTests()].map(rowOf));
    if (rows.length === 0) return;
    const header: Row = ['release', 'check', 'result', 'seconds', ''];
    const widths = header.map((_, column) => Math.max(...[header, ...rows].map(row => row[column]?.length ?? 0)));
    const line = (row: Row): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
    const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`;
    process.stdout.write(`\n${[line(header), rule, ...rows.map(line)].join('\n')}\n`);
  }
}

type Row = readonly [release: string, check: string, result: string, seconds: string, remark: string];

function rowOf(test: TestCase): Row {
  const parent = test.parent.type === 'suite' ? test.parent.name : '';
  const seconds = ((test.diagnostic()?.duration ?? 0) / 1_000).toFixed(1);
  const { state, errors = [] } = test.result();
  const remarks = [...test.annotations(), ...errors].map(({ message }) => message.split('\n')[0]);
  return [parent.replace('OpenClaw ', ''), test.name, state, seconds, remarks.join('; ')];
}
