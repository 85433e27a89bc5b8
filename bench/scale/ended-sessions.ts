import { randomUUID } from 'node:crypto';
import type { NatsConnection } from 'nats';
import type { SessionId } from '../../src/domain/ids.ts';
import type { LifecycleDetails, LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import { decisionMessage, recordMessage, type NewMessage } from '../../src/nats/messages.ts';

/** Messages under way at a time. */
const BATCH = 1_000;

const holder = { node: 'mayfly-123', incarnation: randomUUID(), life: '10.0.123.45:40123' };
const details: LifecycleDetails = {
  reason: 'close',
  counted: 'exact',
  proof: 'dropped',
  erasure: { memory: 'catalog_detached', spill: 'none', journal: 'no_row_data' },
};

export function tenantAt(at: number): Tenant {
  return `tenant-${at}` as Tenant;
}

/** The messages that a session leaves behind once it was opened and closed, as nodes write them. */
export function endedSession(tenant: Tenant): readonly NewMessage[] {
  const session = randomUUID() as SessionId;
  const opened: LifecycleRecord = {
    session_id: session,
    tenant_id: tenant,
    event: 'opened',
    occurred_at: new Date().toISOString(),
    ephemeral_table_count: 0,
    deleted_row_count: 0,
  };
  const closed: LifecycleRecord = { ...opened, event: 'closed', ephemeral_table_count: 2, deleted_row_count: 1_250, details };
  const record = (n: number, one: LifecycleRecord): NewMessage => recordMessage(n, { appendId: randomUUID(), n, record: one, holder, keptAt: 0 });
  const decision = { tenant, session, event: 'closed', reason: 'close', by: holder.node } as const;
  return [record(0, opened), decisionMessage(decision, randomUUID()), record(1, closed)];
}

/** Publishes what so many sessions left behind, spread over tenants, in batches; each message is acknowledged. */
export async function publishEndedSessions(nats: NatsConnection, sessions: number, tenants: number, onBatch: (done: number) => void): Promise<void> {
  const js = nats.jetstream();
  let batch: Promise<unknown>[] = [];
  for (let at = 0; at < sessions; at += 1) {
    for (const { subject, body, headers } of endedSession(tenantAt(at % tenants))) batch.push(js.publish(subject, body, { headers: headers() }));
    if (batch.length < BATCH && at < sessions - 1) continue;
    await Promise.all(batch);
    batch = [];
    onBatch(at + 1);
  }
}
