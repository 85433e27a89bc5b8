import { z } from 'zod';
import { ROW_TYPES } from '../domain/row-format.ts';

/** The wire's shapes, once: bodies and queries are checked against them, and the OpenAPI document is made from them. */

const durationText = 'whole milliseconds above 0, or a text such as "30m"';
const duration = z.union([z.string().min(1), z.int().positive()], { error: `give ${durationText}` }).describe(durationText);
const durationMs = z.int().positive();
const lifetime = { timeout: duration.optional(), timeout_ms: durationMs.optional(), idle_timeout: duration.optional(), idle_timeout_ms: durationMs.optional() };
const name = z.string();
const rows = z.int().nonnegative();

export const openSessionBody = z.strictObject({ ...lifetime, labels: z.record(z.string(), z.string()).optional() });
export const extendSessionBody = z.strictObject(lifetime);
export const emptyBody = z.strictObject({});
export const createTableBody = z
  .strictObject({
    columns: z
      .array(z.strictObject({ name: z.string(), type: z.string(), nullable: z.boolean().optional() }))
      .min(1)
      .optional(),
    query: z.string().min(1).optional(),
    primary_key: z.array(z.string()).optional(),
  })
  .refine((body) => (body.columns === undefined) !== (body.query === undefined), { error: 'give either columns or query', path: ['columns'] });
export const rowsBody = z.array(z.record(z.string(), z.unknown()));
export const queryBody = z.strictObject({
  query: z.string().min(1),
  table: z.string().optional(),
  parameters: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  timeout: duration.optional(),
  timeout_ms: durationMs.optional(),
});

const state = z.enum(['open', 'active', 'closing', 'closed', 'timed_out', 'partial_failure']);
const label = z.string().regex(/^[^:]+:/, 'a label filter is written key:value');
const labels = z.union([label, z.array(label)]).optional();
export const listQuery = z.strictObject({
  state: state.optional(),
  label: labels,
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
  cursor: z.string().min(1).optional(),
});
export const bulkCloseQuery = z.strictObject({ state: state.optional(), label: labels });
export const closeQuery = z.strictObject({ as: z.literal('timed_out').optional(), reason: z.enum(['close', 'disposed']).optional() });
export const createTableQuery = z.strictObject({ primary_key: z.string().min(1).optional() });
export const lifecycleQuery = z.strictObject({
  from: z
    .string()
    .regex(/^\d{1,15}$/, 'an offset is a whole number from 0 on')
    .optional(),
  follow: z.enum(['0', '1', 'true', 'false']).optional(),
  session_id: z.uuidv4().optional(),
});
export const emptyQuery = z.strictObject({});

const instant = z.iso.datetime();
const sessionFields = {
  session_id: z.uuid(),
  tenant_id: z.string(),
  state,
  created_at: instant,
  expires_at: instant.nullable(),
  timeout_ms: durationMs.nullable(),
  idle_timeout_ms: durationMs.nullable(),
  labels: z.record(z.string(), z.string()),
  node_id: z.string(),
};
export const record = z.object({
  session_id: z.uuid(),
  tenant_id: z.string(),
  event: z.enum(['opened', 'closed', 'timed_out', 'partial_deletion_failure']),
  occurred_at: instant,
  ephemeral_table_count: rows,
  deleted_row_count: rows,
  details: z.record(z.string(), z.unknown()).optional(),
});
export const table = z.object({ name, physical_id: z.string(), table_ref: z.string(), rows });
export const tableDetails = table.extend({
  columns: z.array(z.object({ name, type: z.string(), nullable: z.boolean() })),
  primary_key: z.array(z.string()),
});
export const session = z.object(sessionFields);
export const sessionDetails = session.extend({ tables: z.array(table), ended: record.optional() });
export const sessionPage = z.object({ sessions: z.array(session), next_cursor: z.string().nullable() });
export const closedSessions = z.object({
  closed: z.array(record),
  failed: z.array(z.object({ session_id: z.uuid(), code: z.string(), detail: z.string() })),
});
export const closingSession = z.object({ session_id: z.uuid(), state });
export const droppedTable = z.object({ name, deleted_row_count: rows });
/** Media types of rows that no JSON schema describes. */
export const anyRows: Readonly<Record<string, null>> = Object.fromEntries(ROW_TYPES.map((type) => [type, null]));
export const insertedRows = z.object({ rows });
export const queryResult = z.union([
  z.object({ columns: z.array(z.object({ name, type: z.string() })), rows: z.array(z.array(z.unknown())) }),
  z.object({ rows_changed: rows }),
]);
export const lifecycleEntry = z.object({ offset: rows, record, attestation: z.record(z.string(), z.unknown()).optional() });
export const health = z.object({ status: z.string(), reason: z.string().optional() });
export const nodes = z.object({ nodes: z.array(z.record(z.string(), z.unknown())) });
export const accepted = z.object({ cancelled: z.boolean() });
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string(),
  retryable: z.boolean(),
});
