import type { ManySessions } from './many-sessions.ts';
import type { BenchResult, Measurement, RunDescription } from './result-file.ts';

/** The head and the lines; rows a second are left out where no run moves rows. */
function linesOf(measurements: readonly Measurement[]): { readonly head: readonly string[]; readonly lines: readonly (readonly string[])[] } {
  const moveRows = measurements.some(({ rows_per_s }) => rows_per_s !== undefined);
  const rate = (cell: string): readonly string[] => (moveRows ? [cell] : []);
  return {
    head: ['', 'p50 ms', 'p99 ms', 'runs a second', ...rate('rows a second'), 'in flight', 'runs'],
    lines: measurements.map((one) => [
      `${one.workload} ${one.subject}`,
      ...[one.p50_ms, one.p99_ms, one.rate_per_s].map(String),
      ...rate(one.rows_per_s?.toLocaleString('en') ?? ''),
      ...[one.in_flight, one.runs].map(String),
    ]),
  };
}

/** W5 in a sentence. */
function manySessionsLine({ sessions, megabytes_per_session, deadlines, record_p50_ms, record_p99_ms }: ManySessions): string {
  return [
    `W5: ${sessions} open sessions of one tenant with a table of 1,000 rows each hold ${megabytes_per_session} MB a session, node and workers together.`,
    `Of ${deadlines} deadlines within a second, half have their terminal record after ${record_p50_ms} ms and 99 of 100 after ${record_p99_ms} ms.`,
  ].join(' ');
}

/** The figures as a table for a terminal. */
export function terminalTable({ measurements, many_sessions: many }: Pick<BenchResult, 'measurements' | 'many_sessions'>): string {
  const { head, lines } = linesOf(measurements);
  const rows = [head, ...lines];
  const widths = head.map((_head, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return [...rows.map(line), ...(many === undefined ? [] : ['', manySessionsLine(many)])].join('\n');
}

/**
 * The figures as Markdown, with what is needed to make them again.
 * @public for tools/docs.mjs, which imports the compiled module
 */
export function markdownTable(result: BenchResult): string {
  const { head, lines } = linesOf(result.measurements);
  const titles = new Map(result.measurements.map(({ workload, title }) => [workload, title]));
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    ...[...titles].map(([workload, title]) => `${workload}: ${title}.`),
    '',
    row(head),
    row(head.map((_head, column) => (column === 0 ? '---' : '--:'))),
    ...lines.map(row),
    '',
    ...(result.many_sessions === undefined ? [] : [manySessionsLine(result.many_sessions), '']),
    takenLine(result),
  ].join('\n');
}

/** How, where and with what figures were taken. */
export function takenLine({ taken_at, command, machine, versions }: RunDescription): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Taken ${taken_at.slice(0, 10)} with \`${command}\` on ${machine.cores} cores (${machine.cpu}), ${machine.system}, ${programs.join(', ')}.`;
}
