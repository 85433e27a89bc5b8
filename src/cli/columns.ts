/** Rows under their heads as lines of aligned columns, two spaces apart: easy to read, and to cut. */
export function alignColumns(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) => rows.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), head.length));
  return [heads, ...rows].map((row) => alignRow(row, widths)).join('\n');
}

function alignRow(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, i) => cell.padEnd(widths[i] ?? 0));
  return padded.join('  ').trimEnd();
}
