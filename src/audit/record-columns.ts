const ERASURE = 'STRUCT(memory VARCHAR, spill VARCHAR, journal VARCHAR)';
const DETAILS = ['reason VARCHAR', 'counted VARCHAR', 'proof VARCHAR', `erasure ${ERASURE}`, 'surviving_tables VARCHAR[]', 'attempted_event VARCHAR'].join(
  ', ',
);
const RECORD = [
  'session_id VARCHAR',
  'tenant_id VARCHAR',
  'event VARCHAR',
  'occurred_at TIMESTAMP',
  'ephemeral_table_count BIGINT',
  'deleted_row_count BIGINT',
  `details STRUCT(${DETAILS})`,
].join(', ');

/** What a line of the lifecycle stream holds, as DuckDB types; times are UTC. Ids stay text: not every reader of Parquet knows UUIDs. */
export const RECORD_LINE: Readonly<Record<string, string>> = { offset: 'BIGINT', record: `STRUCT(${RECORD})` };

/** The columns of an exported file, by where they lie in a line. */
export const RECORD_COLUMNS: Readonly<Record<string, string>> = {
  offset: '"offset"',
  session_id: 'record.session_id',
  tenant_id: 'record.tenant_id',
  event: 'record.event',
  occurred_at: 'record.occurred_at',
  ephemeral_table_count: 'record.ephemeral_table_count',
  deleted_row_count: 'record.deleted_row_count',
  reason: 'record.details.reason',
  counted: 'record.details.counted',
  proof: 'record.details.proof',
  erasure: 'record.details.erasure',
  surviving_tables: 'record.details.surviving_tables',
  attempted_event: 'record.details.attempted_event',
};
