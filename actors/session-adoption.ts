import type { TableLedger } from '../machines/table-ledger.ts';
import type { EndReason, Erasure, Proof } from '../src/domain/lifecycle-record.ts';
import type { Holder } from '../src/ports/lease-store.ts';

/** What another node needs to end a session whose holder is gone. */
export interface Adoption {
  readonly holder: Holder;
  /** Wall clock, ms since 1970. */
  readonly openedAtMs: number;
  readonly reason: EndReason;
  readonly ledger: TableLedger;
  /** What is known of the spill files of a holder that died. */
  readonly spill: Erasure['spill'];
  /**
   * How the end of the holder and of all its workers is known by now (I4): `process_exit`; `unreachable` once it was
   * waited for long enough; undefined while there is no proof.
   */
  readonly prove: () => Promise<Extract<Proof, 'process_exit' | 'unreachable'> | undefined>;
}
