import { isTerminal } from '../src/domain/lifecycle-record.ts';
import type { LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import { physicalId } from '../src/domain/table-name.ts';
import type { Deletion, TableLedger } from '../machines/session-machine.ts';
import type { StandingDecision } from '../src/ports/lifecycle-log.ts';
import type { Slot } from '../src/ports/table-engine.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';

const sum = (counts: readonly { readonly rows: number }[]): number => counts.reduce((rows, count) => rows + count.rows, 0);

/**
 * Drops what is left of the session, or takes the death of the process that held it for the drop (I4).
 * @param slot absent when the holder is dead for certain: an adopted session of a killed predecessor
 */
export async function deleteTables(slot: Slot | undefined, decision: StandingDecision, ledger: TableLedger): Promise<Deletion> {
  if (slot === undefined) return diedWithItsProcess(ledger);
  const outcome = await Promise.race([slot.drop(decision.token), slot.lost.then(() => 'lost' as const)]).catch((error: unknown) => settledLoss(slot, error));
  if (outcome === 'lost') return diedWithItsProcess(ledger);
  return {
    proof: outcome.surviving.length === 0 ? 'dropped' : 'unreachable',
    counted: 'exact',
    deletedRows: ledger.droppedRows + sum(outcome.dropped),
    surviving: outcome.surviving,
    erasure: outcome.erasure,
  };
}

/** A drop fails as its worker dies: the loss, heard a moment later, is then the proof. */
async function settledLoss(slot: Slot, error: unknown): Promise<'lost'> {
  const heard = await Promise.race([slot.lost.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
  if (heard) return 'lost';
  throw error;
}

/** The process is gone and its memory with it; its rows are counted as last acknowledged, and not above that (I6). */
function diedWithItsProcess(ledger: TableLedger): Deletion {
  const erasure = { memory: 'process_exit', spill: 'removed', journal: 'no_row_data' } as const;
  if (ledger.unknown === true) return { proof: 'process_exit', counted: 'unknown', deletedRows: 0, surviving: [], erasure };
  return {
    proof: 'process_exit',
    counted: ledger.atLeast ? 'at_least' : 'last_acknowledged',
    deletedRows: ledger.droppedRows + sum(ledger.tables),
    surviving: [],
    erasure,
  };
}

/**
 * Writes the outcome at the lowest free n of the session's chain. Whatever stands at an n already is read and passed,
 * and a terminal record found there ends the search: it is the session's one end (I1).
 */
export async function publish(
  ports: SessionPorts,
  identity: SessionIdentity,
  decision: StandingDecision,
  deletion: Deletion,
  ledger: TableLedger,
): Promise<LifecycleRecord> {
  const record = outcomeRecord(ports, identity, decision, deletion, ledger);
  for (let n = 1; ; n += 1) {
    const { outcome, entry } = await ports.log.append(n, record, ports.holder);
    if (outcome === 'created' || isTerminal(entry.record)) return entry.record;
  }
}

function outcomeRecord(
  ports: SessionPorts,
  { tenant, session }: SessionIdentity,
  { decision }: StandingDecision,
  deletion: Deletion,
  ledger: TableLedger,
): LifecycleRecord {
  const partial = deletion.surviving.length > 0;
  return {
    session_id: session,
    tenant_id: tenant,
    event: partial ? 'partial_deletion_failure' : decision.event,
    occurred_at: new Date(ports.clock.wallMs()).toISOString(),
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
