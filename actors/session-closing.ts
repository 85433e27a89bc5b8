import { eventOfReason, isTerminal } from '../src/domain/lifecycle-record.ts';
import type { EndReason, Erasure, LifecycleRecord, Proof } from '../src/domain/lifecycle-record.ts';
import type { Deletion } from '../machines/session-deletion.ts';
import type { TableLedger } from '../machines/table-ledger.ts';
import type { StandingDecision } from '../src/ports/lifecycle-log.ts';
import type { Slot } from '../src/ports/table-engine.ts';
import type { Adoption } from './session-adoption.ts';
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

/** Drops what is left of the session; the death of the process that held it counts as the drop (I4). */
export async function deleteTables(slot: Slot | undefined, decision: StandingDecision, ledger: TableLedger): Promise<Deletion> {
  if (slot === undefined) throw new Error('I4: a session that is not adopted has its slot');
  const outcome = await Promise.race([slot.drop(decision.token), slot.lost.then(() => 'lost' as const)]).catch((error: unknown) => settledLoss(slot, error));
  if (outcome === 'lost') return diedWithItsProcess(ledger, 'removed');
  const complete = outcome.surviving.length === 0;
  return {
    proof: complete ? 'dropped' : 'unreachable',
    counted: outcome.counted,
    deletedRows: ledger.droppedRows + sum(outcome.dropped),
    surviving: outcome.surviving,
    complete,
    erasure: outcome.erasure,
  };
}

/** An adopter drops nothing: it proves that what held the tables is gone, or says that it cannot yet (I6). */
export async function proveDeletion(ports: SessionPorts, { tenant, session }: SessionIdentity, adoption: Adoption): Promise<Deletion> {
  const chain = await ports.log.chain(tenant, session);
  // The holder came back, or another helper was first: the record that stands is the session's end.
  const settled = chain.some(({ record }) => isTerminal(record));
  const proof = settled ? 'process_exit' : await adoption.prove();
  if (proof === 'process_exit') return diedWithItsProcess(adoption.ledger, adoption.spill);
  const { tables, droppedRows } = adoption.ledger;
  const surviving = tables.map(({ name }) => name);
  if (proof === undefined) return { proof: 'unreachable', counted: 'at_least', deletedRows: droppedRows, surviving, complete: false };
  return { ...countedByLease(adoption.ledger), proof, surviving: [], complete: true };
}

/** A drop fails as its worker dies: the loss, heard a moment later, is then the proof. */
async function settledLoss(slot: Slot, error: unknown): Promise<'lost'> {
  const heard = await Promise.race([slot.lost.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
  if (heard) return 'lost';
  throw error;
}

/** The process is gone and its memory with it. */
function diedWithItsProcess(ledger: TableLedger, spill: Erasure['spill']): Deletion {
  const erasure: Erasure = { memory: 'process_exit', spill, journal: 'no_row_data' };
  const proof: Proof = 'process_exit';
  return { ...countedByLease(ledger), proof, surviving: [], complete: true, erasure };
}

/** Rows as last acknowledged, and not above that (I6). */
function countedByLease(ledger: TableLedger): Pick<Deletion, 'counted' | 'deletedRows'> {
  if (ledger.unknown === true) return { counted: 'unknown', deletedRows: 0 };
  return { counted: ledger.atLeast ? 'at_least' : 'last_acknowledged', deletedRows: ledger.droppedRows + sum(ledger.tables) };
}

/**
 * Writes the outcome at the lowest free n of the session's chain. Whatever stands at an n already is read and passed,
 * and a terminal record found there ends the search: it is the session's one end (I1). A partial failure that stands
 * with the same survivors is not said twice. A decision that was lost with a failed write is made again first (I2).
 */
export async function publish(
  ports: SessionPorts,
  identity: SessionIdentity,
  decision: StandingDecision,
  deletion: Deletion,
  ledger: TableLedger,
): Promise<LifecycleRecord> {
  const recordOf = (standing: StandingDecision): LifecycleRecord => outcomeRecord(identity, ports.clock.wallMs(), standing, deletion, ledger);
  let record = recordOf(decision);
  for (let n = 1; ;) {
    const appended = await ports.log.append(n, record, ports.holder);
    if (appended.outcome === 'undecided') {
      record = recordOf(await ports.log.decide(decision.decision));
      continue;
    }
    const { outcome, entry } = appended;
    if (outcome === 'created' || isTerminal(entry.record) || saysTheSame(entry.record, record)) return entry.record;
    n += 1;
  }
}

function saysTheSame(stands: LifecycleRecord, record: LifecycleRecord): boolean {
  const survivors = ({ event, details }: LifecycleRecord): string => `${event}:${details?.surviving_tables?.toSorted().join() ?? ''}`;
  return record.event === 'partial_deletion_failure' && survivors(stands) === survivors(record);
}
