import Table from 'cli-table3';
import type { Column, Figures } from './questions.ts';

/** Widest line, in characters: what a terminal shows without being asked. */
export const WIDTH_MAX = 80;

const grouped = new Intl.NumberFormat('en-US');

/** Figures as a table; numbers to the right. */
export function drawTable(columns: readonly Column[], rows: readonly Figures[]): string {
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => (column.as === 'text' ? 'left' : 'right')),
    // Plain characters: the same in a terminal, a pipe and a log.
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(columns.map((column) => shown(row[column.key], column.as)));
  return table.toString();
}

function shown(value: Figures[string] | undefined, as: Column['as']): string {
  if (value === undefined) return '';
  if (as === 'count') return grouped.format(BigInt(value));
  if (as === 'minutes') return `${Number(value).toFixed(1)} min`;
  return as === 'percent' ? `${Number(value).toFixed(1)} %` : String(value);
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

/** Bars to the right of a common axis, negative ones to its left; the longest fills the line. */
export function drawBars(bars: readonly Bar[]): string {
  const labelWidth = Math.max(...bars.map((bar) => bar.label.length));
  const values = bars.map((bar) => bar.value.toFixed(1));
  const valueWidth = Math.max(...values.map((value) => value.length));
  const least = Math.min(0, ...bars.map((bar) => bar.value));
  const most = Math.max(0, ...bars.map((bar) => bar.value));
  const cells = WIDTH_MAX - labelWidth - valueWidth - 4;
  const perCell = Math.max((most - least) / cells, Number.MIN_VALUE);
  const left = Math.ceil(-least / perCell);
  const lines = bars.map(({ label, value }, i) => {
    const length = Math.min(Math.round(Math.abs(value) / perCell), value < 0 ? left : cells - left);
    const below = (value < 0 ? '█'.repeat(length) : '').padStart(left);
    return `${label.padStart(labelWidth)} ${(values[i] ?? '').padStart(valueWidth)} ${below}│${value < 0 ? '' : '█'.repeat(length)}`;
  });
  return lines.join('\n');
}
