import { randomUUID } from 'node:crypto';
import type { SessionId } from '../../src/domain/ids.ts';
import type { EndReason, LifecycleEvent, LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { eventOfReason } from '../../src/domain/lifecycle-record.ts';
import { parseLogicalName } from '../../src/domain/table-name.ts';
import { parseTenant, type Tenant } from '../../src/domain/tenant.ts';
import type { Holder, LeaseContext } from '../../src/ports/lease-store.ts';
import type { Appended, ChainEntry, Decision } from '../../src/ports/lifecycle-log.ts';

export const acme = parseTenant('acme');
export const rival = parseTenant('rival');

export function newSession(): SessionId {
  return randomUUID() as SessionId;
}

export function newHolder(node = 'node-1'): Holder {
  return { node, incarnation: randomUUID() };
}

export function recordOf(session: SessionId, event: LifecycleEvent, tenant: Tenant = acme): LifecycleRecord {
  const isEnd = event === 'closed' || event === 'timed_out';
  return {
    session_id: session,
    tenant_id: tenant,
    event,
    occurred_at: '2026-01-02T03:04:05.678Z',
    ephemeral_table_count: isEnd ? 2 : 0,
    deleted_row_count: isEnd ? 3 : 0,
    ...(isEnd ? { details: { reason: event === 'closed' ? 'close' : 'deadline', counted: 'exact', proof: 'dropped' } } : {}),
  };
}

export function decisionOf(session: SessionId, reason: EndReason, by = 'node-1', tenant: Tenant = acme): Decision {
  return { tenant, session, event: eventOfReason(reason), reason, by };
}

/** What stands where the append went, whoever wrote it. */
export function entryOf(appended: Appended): ChainEntry {
  if (appended.outcome === 'undecided') throw new Error('the log takes the record after a decision alone');
  return appended.entry;
}

export function contextOf(rows: number, tenant: Tenant = acme): LeaseContext {
  return { v: 1, tenant, deadline: 1_800_000_000_000, tables: [{ name: parseLogicalName('daily'), rows }], created: 1, dropped_rows: 0, at_least: false };
}

export async function collect<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}
