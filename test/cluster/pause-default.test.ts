import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { DECISIONS_STREAM } from '../../src/nats/streams.ts';
import type { TenantHandle } from '../../src/index.ts';
import { chainsOf, endsOf, expectLawful, fullest, isEnd, openFilled, startCluster, type FilledSession, type RunningCluster } from './running-cluster.ts';

const PAUSE_MS = 20_000;
/** Well after the fence of 6 s. */
const WORKERS_PAUSE_MS = 9_000;
const PATIENCE_MS = 60_000;
/** A second or two of a worker's time. */
const LONG_INSERT = 'INSERT INTO t SELECT max(r.i) FROM range(100000000) r(i) WHERE r.i % 7 = 3';

interface Insert {
  readonly sentMs: number;
  isAcknowledged: boolean;
}

/** Inserts one row after another until told to stop; the ledger holds when each was sent, on the wall clock. */
function startInserting(insert: (n: number) => Promise<unknown>): { readonly ledger: readonly Insert[]; readonly stop: () => Promise<void> } {
  const ledger: Insert[] = [];
  const stopped = new AbortController();
  const loop = (async () => {
    for (let n = 1_000; !stopped.signal.aborted; n += 1) {
      const entry: Insert = { sentMs: Date.now(), isAcknowledged: false };
      ledger.push(entry);
      try {
        await insert(n);
        entry.isAcknowledged = true;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  })();
  return {
    ledger,
    stop: async () => {
      stopped.abort();
      await loop;
    },
  };
}

/** When the log took each session's decision. */
async function decisionTimes({ cluster }: RunningCluster, ids: readonly string[]): Promise<Map<string, number>> {
  const connection = await connect({ servers: cluster.nats[0]?.url ?? '' });
  const { streams } = await connection.jetstreamManager();
  const times = ids.map(async (id): Promise<[string, number]> => {
    const { time } = await streams.getMessage(DECISIONS_STREAM, { last_by_subj: `mayfly.decision.v1.acme.${id}` });
    return [id, time.getTime()];
  });
  const found = new Map(await Promise.all(times));
  await connection.close();
  return found;
}

async function untilPassed(sinceMs: number, forMs: number): Promise<void> {
  await expect.poll(() => performance.now() - sinceMs, { timeout: forMs + 5_000 }).toBeGreaterThan(forMs);
}

async function partials(watching: TenantHandle, ids: readonly string[]): Promise<number> {
  const chains = await chainsOf(watching);
  expectLawful(chains);
  return ids.filter((id) => chains.get(id)?.at(-1)?.event === 'partial_deletion_failure').length;
}

describe('a node that is paused for 20 s with inserts running, with default settings', () => {
  it('finds its sessions decided: partial failures first, one end each once it wakes, and nothing committed after the fence (I1, I4, I5)', async () => {
    await using running = await startCluster({ flags: [] });
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 30);
    const { node, other } = fullest(running, all);
    const watching = (await running.connect(other)).tenant('acme');
    const direct = (await running.connect(node)).tenant('acme');
    const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
    const ids = held.map(({ session }) => session.id as string);
    expect(held.length).toBeGreaterThan(5);
    const [slow, ...filled] = held as [FilledSession, ...FilledSession[]];
    const inserting = filled.map(({ session }) =>
      startInserting((n) => direct.session(session.id).insert('t', [{ n }], { signal: AbortSignal.timeout(PATIENCE_MS) })),
    );
    await expect.poll(() => inserting.every(({ ledger }) => ledger.filter(({ isAcknowledged }) => isAcknowledged).length > 3)).toBe(true);
    const long = Promise.resolve(direct.session(slow.session.id).sql(LONG_INSERT)).then(
      () => 'acknowledged',
      ({ code }: { code: string }) => code,
    );
    // Stopped in the midst of their work, the workers go on with it while their node, which could tell them nothing, sleeps.
    const workers = node.workers();
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    node.signal('SIGSTOP');
    const stoppedMs = performance.now();
    const stoppedWallMs = Date.now();
    await untilPassed(stoppedMs, WORKERS_PAUSE_MS);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    await expect.poll(() => partials(watching, ids), { timeout: PAUSE_MS - WORKERS_PAUSE_MS }).toBe(held.length);
    await untilPassed(stoppedMs, PAUSE_MS);
    node.signal('SIGCONT');
    const ends = await endsOf(watching, ids, 20_000);
    await Promise.all(inserting.map((one) => one.stop()));
    expect(await long).not.toBe('acknowledged');

    const decidedAt = await decisionTimes(running, ids);
    const chains = await chainsOf(watching);
    expectLawful(chains);
    for (const [at, { session, rows }] of held.entries()) {
      const chain = chains.get(session.id) ?? [];
      expect(chain.filter(isEnd)).toHaveLength(1);
      expect(chain[1]).toMatchObject({ event: 'partial_deletion_failure', details: { proof: 'unreachable', attempted_event: 'timed_out' } });
      const end = ends.find(({ session_id }) => session_id === session.id);
      expect(end).toMatchObject({ event: 'timed_out', details: { reason: 'lease_expired', proof: 'dropped', counted: 'exact' } });
      const ledger = at === 0 ? [] : (inserting[at - 1]?.ledger ?? []);
      const acknowledged = ledger.filter(({ isAcknowledged }) => isAcknowledged);
      for (const { sentMs } of acknowledged) expect(sentMs).toBeLessThan(decidedAt.get(session.id) ?? 0);
      // The worker's own count, as it dropped: what was acknowledged, and at most what was under way as it all stopped.
      const inDoubt = ledger.filter(({ isAcknowledged, sentMs }) => !isAcknowledged && sentMs <= stoppedWallMs);
      expect(end?.deleted_row_count).toBeGreaterThanOrEqual(rows + acknowledged.length);
      expect(end?.deleted_row_count).toBeLessThanOrEqual(rows + acknowledged.length + inDoubt.length);
    }
  }, 90_000);
});
