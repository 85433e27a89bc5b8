import type { LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import { physicalId } from '../src/domain/table-name.ts';
import type { Deletion } from '../machines/session-deletion.ts';
import type { TableLedger } from '../machines/table-ledger.ts';
import type { StandingDecision } from '../src/domain/decision.ts';
import type { SessionIdentity } from './session-ports.ts';

/** Entry 0 of a session's chain. */
export function openedRecord({ tenant, session }: SessionIdentity, createdAtMs: number): LifecycleRecord {
  return {
    session_id: session,
    tenant_id: tenant,
    event: 'opened',
    occurred_at: new Date(createdAtMs).toISOString(),
    ephemeral_table_count: 0,
    deleted_row_count: 0,
  };
}

/** What a pass over the tables came to, as the log is to hold it; it claims no more than is known (I6). */
export function outcomeRecord(
  { tenant, session }: SessionIdentity,
  nowMs: number,
  { decision }: StandingDecision,
  deletion: Deletion,
  ledger: TableLedger,
): LifecycleRecord {
  const partial = !deletion.complete;
  return {
    session_id: session,
    tenant_id: tenant,
    event: partial ? 'partial_deletion_failure' : decision.event,
    occurred_at: new Date(nowMs).toISOString(),
    ephemeral_table_count: ledger.created,
    deleted_row_count: deletion.deletedRows,
    details: {
      reason: decision.reason,
      counted: deletion.counted,
      proof: deletion.proof,
      ...(deletion.erasure !== undefined && !partial ? { erasure: deletion.erasure } : {}),
      ...(partial ? { surviving_tables: deletion.surviving.map((name) => physicalId(session, name)), attempted_event: decision.event } : {}),
    },
  };
}
