import { expect } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import type { TenantHandle } from '../../src/index.ts';
import { endsOf, type FilledSession, type RunningCluster } from './running-cluster.ts';

export const idsOf = (all: readonly FilledSession[]): string[] => all.map(({ session }) => session.id);

/**
 * Lets a whole window pass in which a holder could be given up by mistake: the last node is killed with a session on it,
 * and once the others have ended that one, they have had the time to end any.
 */
export async function afterAWholeWindow({ cluster, everywhere }: RunningCluster): Promise<void> {
  const canary = cluster.nodes.at(-1) as NodeProcess;
  const bird = everywhere.tenant('canary');
  let doomed: string | undefined;
  const settled = async (): Promise<string | undefined> => {
    await bird.openSession().catch(() => undefined);
    doomed = (await Promise.resolve(bird.sessions()).catch(() => [])).find(({ node_id }) => node_id === canary.nodeId)?.session_id;
    return doomed;
  };
  await expect.poll(settled, { timeout: 20_000 }).toBeDefined();
  await canary.end('SIGKILL');
  await endsOf(bird, [doomed as string], 30_000);
}

/** Each answers, and holds what it held; one whose node lost its lease for a moment is asked again. */
export async function expectAllAlive(all: readonly FilledSession[]): Promise<void> {
  await expect
    .poll(async () => (await Promise.allSettled(all.map(({ session }) => session.countRows('t')))).filter(({ status }) => status === 'rejected').length, {
      timeout: 20_000,
    })
    .toBe(0);
  for (const { session, rows } of all) expect(await session.countRows('t')).toBe(rows);
}

/** Nothing lost and nothing doubled: one terminal record each, because it was asked for, with every row counted (I1, I6). */
export async function expectClosedOnce(tenant: TenantHandle, all: readonly FilledSession[], withinMs: number): Promise<void> {
  const ends = await endsOf(tenant, idsOf(all), withinMs);
  expect(ends).toHaveLength(all.length);
  for (const { session, rows } of all) {
    expect(ends.find(({ session_id }) => session_id === session.id)).toMatchObject({
      event: 'closed',
      deleted_row_count: rows,
      details: { reason: 'close', counted: 'exact', proof: 'dropped' },
    });
  }
}

export interface Opening {
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

/** Opens a session by plain HTTP, and times the answer. */
export async function timedOpen({ url }: Pick<NodeProcess, 'url'>): Promise<Opening> {
  const sentMs = performance.now();
  const answer = await fetch(`${url}/v1/sessions`, { method: 'POST', headers: { 'mayfly-tenant': 'acme', 'content-type': 'application/json' }, body: '{}' });
  const body = (await answer.json()) as { code?: unknown };
  return { status: answer.status, code: body.code, retryAfter: answer.headers.get('retry-after'), tookMs: performance.now() - sentMs };
}

/** A bound that is wrong is late every time, a machine that is busy now and then. */
const TRIES = 3;

/** Each node answers within a second that it opens nothing now. */
export async function expectNoOpening(nodes: readonly NodeProcess[]): Promise<void> {
  for (const node of nodes) {
    const tookMs: number[] = [];
    for (let tries = 0; tries < TRIES; tries++) {
      const refused = await timedOpen(node);
      expect(refused).toMatchObject({ status: 503, code: 'unavailable', retryAfter: expect.stringMatching(/^[1-9]\d*$/) as string });
      tookMs.push(refused.tookMs);
    }
    expect(Math.min(...tookMs)).toBeLessThan(1_000);
  }
}

export async function untilOpening(nodes: readonly NodeProcess[]): Promise<void> {
  for (const node of nodes) await expect.poll(async () => (await timedOpen(node)).status, { timeout: 20_000 }).toBe(201);
}
