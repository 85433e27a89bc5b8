import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics } from '../ports/metrics.ts';

const DURATION_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** The counters, and how a scraper reads them. */
export interface MetricsRegistry extends Metrics {
  /** The Prometheus text exposition. */
  render(): Promise<{ contentType: string; text: string }>;
}

/** A registry of its own for each node, so that two nodes in one process do not mix. */
export function createMetrics(): MetricsRegistry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const opened = new Counter({ name: 'mayfly_sessions_opened_total', help: 'Sessions opened', registers });
  const ended = new Counter({ name: 'mayfly_sessions_ended_total', help: 'Sessions ended', labelNames: ['event', 'reason'], registers });
  const open = new Gauge({ name: 'mayfly_sessions_open', help: 'Sessions open now', registers });
  const statements = new Histogram({
    name: 'mayfly_statement_duration_seconds',
    help: 'Statements by outcome',
    labelNames: ['outcome'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const bytes = new Counter({ name: 'mayfly_http_body_bytes_total', help: 'Body bytes', labelNames: ['direction'], registers });
  const workers = new Gauge({ name: 'mayfly_workers', help: 'Worker processes', labelNames: ['state'], registers });
  const fsync = new Histogram({
    name: 'mayfly_journal_fsync_duration_seconds',
    help: 'Fsyncs of the journal',
    buckets: [0.0001, 0.0005, 0.002, 0.01, 0.05, 0.25, 1],
    registers,
  });
  const requests = new Histogram({
    name: 'mayfly_http_request_duration_seconds',
    help: 'HTTP requests',
    labelNames: ['route', 'method', 'status'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  return {
    sessionOpened: () => opened.inc(),
    sessionEnded: (event, reason) => ended.inc({ event, reason }),
    openSessions: (count) => open.set(count),
    statement: (outcome, seconds) => statements.observe({ outcome }, seconds),
    bytes: (direction, count) => bytes.inc({ direction }, count),
    workers: (state, count) => workers.set({ state }, count),
    journalFsync: (seconds) => fsync.observe(seconds),
    httpRequest: (route, method, status, seconds) => requests.observe({ route, method, status: String(status) }, seconds),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
