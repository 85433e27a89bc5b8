import type { TableLedger } from '../machines/table-ledger.ts';
import type { Holder, Lease } from '../src/ports/lease-store.ts';
import type { SessionIdentity } from './session-ports.ts';

/** What the lease keeps of a session: enough for an adopter to close it with truthful counts (I6). */
export function leaseOf(holder: Holder, { tenant, session }: SessionIdentity, deadline: number | null, ledger: TableLedger): Lease {
  return {
    holder,
    session,
    context: {
      v: 1,
      tenant,
      deadline,
      tables: ledger.tables,
      created: ledger.created,
      dropped_rows: ledger.droppedRows,
      at_least: ledger.atLeast,
    },
  };
}
