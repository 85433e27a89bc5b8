import type { TableLedger } from '../machines/table-ledger.ts';
import type { Holder, Lease } from '../src/ports/lease-store.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';

/** What the session knows of itself now. */
export interface Leased {
  /** Wall clock, ms since 1970; null for none. */
  readonly deadlineMs: number | null;
  readonly ledger: TableLedger;
}

/** One session's entry in its holder's lease: enough for an adopter to close it with truthful counts (I6). */
export class SessionLease {
  readonly #ports: SessionPorts;
  readonly #holder: Holder;
  readonly #identity: SessionIdentity;
  readonly #now: () => Leased;

  constructor(ports: SessionPorts, holder: Holder, identity: SessionIdentity, now: () => Leased) {
    this.#ports = ports;
    this.#holder = holder;
    this.#identity = identity;
    this.#now = now;
  }

  /** @throws Unavailable */
  write(): Promise<void> {
    return this.#ports.leases.put(leaseOf(this.#holder, this.#identity, this.#now()));
  }

  /** False when the store refused it: the answer stands, and the record will say `at_least` (I6). */
  async note(): Promise<boolean> {
    try {
      await this.write();
      return true;
    } catch (error) {
      this.#ports.onTrouble('a table count could not be noted', this.#identity, error);
      return false;
    }
  }

  /** Never throws: what stays behind is removed by whoever finds the session's end in the log. */
  async remove(): Promise<void> {
    try {
      await this.#ports.leases.remove(this.#holder, this.#identity.session);
    } catch (error) {
      this.#ports.onTrouble('the lease of a session that is over could not be removed', this.#identity, error);
    }
  }
}

function leaseOf(holder: Holder, { tenant, session }: SessionIdentity, { deadlineMs, ledger }: Leased): Lease {
  return {
    holder,
    session,
    context: {
      v: 1,
      tenant,
      deadline: deadlineMs,
      tables: ledger.tables,
      created: ledger.created,
      dropped_rows: ledger.droppedRows,
      at_least: ledger.atLeast,
    },
  };
}
