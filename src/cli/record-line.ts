import type { LifecycleRecord } from '../domain/lifecycle-record.ts';

/** A lifecycle record as one line: when, what, whose, and what was deleted. */
export function recordLine({ session_id, event, occurred_at, ephemeral_table_count, deleted_row_count, details }: LifecycleRecord): string {
  const counts = event === 'opened' ? [] : [`tables=${ephemeral_table_count}`, `deleted_rows=${deleted_row_count}`];
  const { reason, counted, proof } = details ?? {};
  const known = Object.entries({ reason, counted, proof }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return [occurred_at, session_id, event, ...counts, ...known].join(' ');
}
