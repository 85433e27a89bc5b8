import { eventOfReason, isTerminal } from '../src/domain/lifecycle-record.ts';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { Deletion } from '../machines/session-machine.ts';
import type { TableLedger } from '../machines/table-ledger.ts';
import type { StandingDecision } from '../src/ports/lifecycle-log.ts';
import type { Slot } from '../src/ports/table-engine.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';
import { outcomeRecord } from './session-records.ts';

const sum = (counts: readonly { readonly rows: number }[]): number => counts.reduce((rows, count) => rows + count.rows, 0);

/** Tries once to be the one node that closes; held until the session ended. False when another one has the claim. */
export async function claim(ports: SessionPorts, { session }: SessionIdentity, ended: Promise<unknown>): Promise<boolean> {
  const held = await ports.claims.acquire(session, ports.limits.claimTtlMs);
  if (held === undefined) return false;
  void ended.then(() => held.release());
  return true;
}

/** The linearisation point: whatever was wanted, the decision that stands is the one that counts (I2). */
export function decide(ports: SessionPorts, { tenant, session }: SessionIdentity, reason: EndReason): Promise<StandingDecision> {
  return ports.log.decide({ tenant, session, event: eventOfReason(reason), reason, by: ports.holder.node });
}

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
  const record = outcomeRecord(identity, ports.clock.wallMs(), decision, deletion, ledger);
  for (let n = 1; ; n += 1) {
    const { outcome, entry } = await ports.log.append(n, record, ports.holder);
    if (outcome === 'created' || isTerminal(entry.record)) return entry.record;
  }
}
