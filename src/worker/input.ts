import type { ColumnSpec, RowFormat } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { SlotQuery } from '../ports/table-engine.ts';

/** What a worker is told when it starts, through its environment: numbers with their unit. */
export interface WorkerSettings {
  /** What the node gives it at one time, at most. */
  readonly sessionsMax: number;
  readonly slotsAhead: number;
  readonly threadsPerSlot: number;
  /** Memory of one session. */
  readonly memoryLimitBytes: number;
  /** The worker's own, for what its sessions spill; made when missing. */
  readonly spillFolder: string;
  readonly spillMaxBytes: number;
  /** Whether what held one session may hold the tenant's next one. */
  readonly reuseSlots: boolean;
  /** Memory of the process above the limits of its sessions at which statements are interrupted. */
  readonly overshootMaxBytes: number;
  /** Bytes of one body that may be under way before its reader took them; both directions. */
  readonly windowBytes: number;
  /** The largest Arrow message and the largest JSON body that are taken into memory. */
  readonly messageMaxBytes: number;
}

export type OriginCall =
  { readonly kind: 'arrow' } | { readonly kind: 'columns'; readonly columns: readonly ColumnSpec[] } | { readonly kind: 'query'; readonly query: string };

/** The slot a call is for. The first call of a session takes what it needs: to open one costs the worker nothing. */
export interface SlotAddress {
  /** Never the same again while the node runs. */
  readonly slot: number;
  readonly session: SessionId;
}

/** What the node asks of a worker. Bodies follow as raw bytes under the same call id. Nothing follows a drop (I5). */
export type WorkerCall = SlotAddress &
  (
    | { readonly call: 'createTable'; readonly name: LogicalName; readonly origin: OriginCall; readonly primaryKey: readonly string[] }
    | { readonly call: 'insert'; readonly name: LogicalName; readonly format: RowFormat }
    | { readonly call: 'query'; readonly query: SlotQuery }
    | { readonly call: 'describeTable'; readonly name: LogicalName }
    | { readonly call: 'dropTable'; readonly name: LogicalName }
    | { readonly call: 'seal' }
    | { readonly call: 'drop'; readonly token: number }
  );

export type CallOf<Name extends WorkerCall['call']> = Extract<WorkerCall, { readonly call: Name }>;

/** The node's answer to a count note: nothing, or why the commit must not be. */
export interface NoteReply {
  readonly refused?: string;
}

/** The environment variable that holds the `WorkerSettings` as JSON. */
export const SETTINGS_VARIABLE = 'MAYFLY_WORKER_SETTINGS';
