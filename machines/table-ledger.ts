import type { TableCount } from '../src/domain/lease.ts';

/** What is known of the tables: what a lease keeps, and what a record may claim when nothing better is known (I6). */
export interface TableLedger {
  readonly tables: readonly TableCount[];
  /** Tables ever created. */
  readonly created: number;
  /** Rows of tables that were dropped before the end. */
  readonly droppedRows: number;
  /** Some count could not be noted: the sum is a lower bound. */
  readonly atLeast: boolean;
  /** Nothing is known of the tables: the lease was lost with its holder. */
  readonly unknown?: boolean;
}

export const EMPTY_LEDGER: TableLedger = { tables: [], created: 0, droppedRows: 0, atLeast: false };

export function noted(ledger: TableLedger, count: TableCount): TableLedger {
  const isKnown = ledger.tables.some((table) => table.name === count.name);
  const tables = isKnown ? ledger.tables.map((table) => (table.name === count.name ? count : table)) : [...ledger.tables, count];
  return { ...ledger, tables, created: isKnown ? ledger.created : ledger.created + 1 };
}

export function dropped(ledger: TableLedger, count: TableCount): TableLedger {
  return {
    ...ledger,
    tables: ledger.tables.filter((table) => table.name !== count.name),
    droppedRows: ledger.droppedRows + count.rows,
  };
}
