import type { Counted, Erasure, Proof } from '../src/domain/lifecycle-record.ts';
import type { LogicalName } from '../src/domain/table-name.ts';

/** What a pass over the tables came to. */
export interface Deletion {
  readonly proof: Proof;
  readonly counted: Counted;
  /** Rows really gone, earlier table drops included. */
  readonly deletedRows: number;
  readonly surviving: readonly LogicalName[];
  /** Whether everything is gone, as far as it will ever be known: then the record is the terminal one. */
  readonly complete: boolean;
  readonly erasure?: Erasure;
}

/** Tells one set of survivors from another: each is recorded once. */
export function survivorsKey(deletion: Deletion): string {
  return `${deletion.proof}:${deletion.surviving.toSorted().join(',')}`;
}
