import { note, print, printJson } from '../output.ts';
import { drawBars, drawTable } from './drawing.ts';
import type { Stage } from './run.ts';

/** Rows between two lines of progress where lines cannot be drawn over. */
const PROGRESS_ROWS = 50_000;

const ms = (elapsedMs: number): string => (elapsedMs < 1_000 ? `${elapsedMs.toFixed(0)} ms` : `${(elapsedMs / 1_000).toFixed(2)} s`);
const count = (value: number): string => value.toLocaleString('en-US');
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** The demo for a person. */
export function terminalStage(): Stage {
  return {
    async opened({ session, tenant, elapsedMs }) {
      await print(`Opened session ${session}\nfor tenant ${tenant}, in a process of its own, in ${ms(elapsedMs)}.\n`);
    },
    loading({ rows, bytes, of, elapsedMs }) {
      const line = `  loading: ${count(rows)} of ${count(of)} rows, ${mb(bytes)}, ${ms(elapsedMs)}`;
      if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(64)}${rows === of ? '\n' : ''}`);
      else if (rows % PROGRESS_ROWS === 0 || rows === of) note(line);
    },
    async loaded({ rows, bytes, elapsedMs }) {
      await print(`Loaded ${count(rows)} flights (${mb(bytes)} of Arrow) in ${ms(elapsedMs)}.\n`);
    },
    async answered({ question, columns, rows, elapsedMs }) {
      await print(`${question}  (${ms(elapsedMs)})\n${drawTable(columns, rows)}\n`);
    },
    async charted({ title, bars }) {
      await print(`${title}\n${drawBars(bars)}\n`);
    },
    async refused({ statement, code, message }) {
      await print(`And behind the wall?\n  ${statement}\n  -> ${code}: ${message}\n`);
    },
    async ended({ records, elapsedMs }) {
      await print(`Closed in ${ms(elapsedMs)}. What the log holds of this session, for good:`);
      const openedMs = Date.parse(records[0]?.record.occurred_at ?? '');
      const rows = records.map(({ offset, record }) => ({
        offset,
        event: record.event,
        after: ms(Date.parse(record.occurred_at) - openedMs),
        tables: record.ephemeral_table_count,
        deleted: record.deleted_row_count,
        counted: record.details?.counted ?? '',
        proof: record.details?.proof ?? '',
      }));
      await print(
        drawTable(
          [
            { key: 'offset', title: 'offset', as: 'count' },
            { key: 'event', title: 'event', as: 'text' },
            { key: 'after', title: 'after', as: 'text' },
            { key: 'tables', title: 'tables', as: 'count' },
            { key: 'deleted', title: 'rows deleted', as: 'count' },
            { key: 'counted', title: 'counted', as: 'text' },
            { key: 'proof', title: 'proof', as: 'text' },
          ],
          rows,
        ),
      );
    },
  };
}

/** The demo for a program: one JSON object when all is over. */
export function jsonStage(): Stage {
  const shown: Record<string, unknown> = {};
  const answers: object[] = [];
  return {
    async opened({ session, tenant, elapsedMs }) {
      Object.assign(shown, { session_id: session, tenant_id: tenant, open_ms: elapsedMs });
    },
    loading() {},
    async loaded({ rows, bytes, elapsedMs }) {
      shown.loaded = { rows, bytes, elapsed_ms: elapsedMs };
    },
    async answered({ question, query, rows, elapsedMs }) {
      answers.push({ question, query, rows, elapsed_ms: elapsedMs });
      shown.answers = answers;
    },
    async charted(chart) {
      shown.chart = chart;
    },
    async refused(wall) {
      shown.wall = wall;
    },
    async ended({ records, elapsedMs }) {
      await printJson({ ...shown, close_ms: elapsedMs, records });
    },
  };
}
