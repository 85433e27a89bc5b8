import type { RunDescription } from '../result-file.ts';
import type { Summary } from '../statistics.ts';

/** What a Redis master holds and does for one node; times are the server's own. */
export interface RedisConstants {
  /** Live sessions of the node that was measured, and of a whole cluster that its shards were filled like. */
  readonly sessions_a_node: number;
  readonly sessions_like: number;
  /** Two tables each. */
  readonly bytes_a_session: number;
  readonly bytes_a_node: number;
  readonly heartbeat_us: number;
  readonly put_us: number;
  readonly remove_us: number;
  readonly find_us: number;
  /** Reading all nodes, as each scan does. */
  readonly nodes_read: number;
  readonly scan_us: number;
  readonly scan_bytes: number;
}

/** A log of sessions that all ended, on one NATS server. */
export interface LogConstants {
  readonly sessions: number;
  readonly tenants: number;
  /** Of a session: its two records, and its decision. */
  readonly record_bytes: number;
  readonly decision_bytes: number;
  /** Resident memory of nats-server: before, after filling it, and after it was started again. */
  readonly memory_empty_bytes: number;
  readonly memory_filled_bytes: number;
  readonly memory_restarted_bytes: number;
  /** Until it answers with both streams whole, after SIGTERM and after SIGKILL. */
  readonly restart_ms: number;
  readonly restart_killed_ms: number;
  /** One tenant's records, read from the start by the adapter that nodes use. */
  readonly replay_records: number;
  readonly replay_first_ms: number;
  readonly replay_rate_per_s: number;
}

/** Sessions opened and closed over HTTP by two nodes in turn: one with an empty log, one with the full one. */
export interface OpenClose {
  readonly empty: Summary;
  readonly full: Summary;
  /** By p50. */
  readonly slower_percent: number;
}

export interface ScaleResult extends RunDescription {
  readonly redis: RedisConstants;
  readonly log: LogConstants;
  readonly open_close: OpenClose;
}
