import { takenLine } from '../figures-table.ts';
import type { ScaleResult } from './scale-result.ts';

type Row = readonly [what: string, figure: string];

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_cell, column) => (column === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** What was measured, with what is needed to measure it again. */
export function measuredTable(result: ScaleResult): string {
  const { redis, log, open_close: openClose } = result;
  const rows: readonly Row[] = [
    ['a live session in each Redis master', `${redis.bytes_a_session} B`],
    ['a node in each Redis master', `${redis.bytes_a_node} B`],
    ["a heartbeat, of the master's time", microseconds(redis.heartbeat_us)],
    ['writing a lease: once a session, and before each answer that changed rows', microseconds(redis.put_us)],
    ['removing one', microseconds(redis.remove_us)],
    ['looking up who has a session', microseconds(redis.find_us)],
    [`a scan with ${count(redis.nodes_read)} nodes`, `${microseconds(redis.scan_us)}, ${bytes(redis.scan_bytes)} sent`],
    ['an ended session in the lifecycle stream, its 2 records', `${log.record_bytes} B`],
    ['its decision in the other stream', `${log.decision_bytes} B`],
    ["nats-server's memory with an empty log", bytes(log.memory_empty_bytes)],
    [`with ${count(log.sessions)} ended sessions, after they were written`, bytes(log.memory_filled_bytes)],
    ['with the same, after a restart', bytes(log.memory_restarted_bytes)],
    ['its restart with them, after SIGTERM', seconds(log.restart_ms)],
    ['after SIGKILL', seconds(log.restart_killed_ms)],
    [`replay of one of ${count(log.tenants)} tenants, ${count(log.replay_records)} records`, `${count(log.replay_rate_per_s)} records/s`],
    ['its first record', `${log.replay_first_ms} ms`],
    ['opening and closing a session with an empty log, p50', `${openClose.empty.p50_ms} ms`],
    [`with ${count(log.sessions)} ended sessions in it, p50`, `${openClose.full.p50_ms} ms (${signed(openClose.slower_percent)} %)`],
  ];
  return [table(['measured', ''], rows), '', takenLine(result)].join('\n');
}

const NODES = 1_000;
const SESSIONS = 10_000_000;
const HEARTBEAT_S = 2.5;
const SCANS_S = [1, 5, 10] as const;

/**
 * The arithmetic of a large cluster on the measured constants, with default settings.
 * @public for tools/docs.mjs, which imports the compiled module
 */
export function clusterTable({ redis }: ScaleResult): string {
  const beats = NODES / HEARTBEAT_S;
  const scans = SCANS_S.map((everyS): Row => {
    const rate = NODES / everyS;
    return [
      `scans every ${everyS} s: ${count(NODES)} / ${everyS}`,
      `${count(rate)}/s, ${percent(rate * redis.scan_us)} of a core, ${bytes(rate * redis.scan_bytes)}/s sent`,
    ];
  });
  const rows: readonly Row[] = [
    [`leases: ${count(SESSIONS)} sessions`, bytes(SESSIONS * redis.bytes_a_session)],
    [`nodes: ${count(NODES)}`, bytes(NODES * redis.bytes_a_node)],
    [`heartbeats: ${count(NODES)} / ${HEARTBEAT_S} s`, `${count(beats)}/s, ${percent(beats * redis.heartbeat_us)} of a core`],
    ...scans,
  ];
  return table(['calculated, for each Redis master', ''], rows);
}

const OPENS_PER_S = [1, 10, 100, 1_000] as const;
const RETENTION_DAYS = [9, 30] as const;
const DAY_S = 86_400;

/**
 * What the log grows to.
 * @public for tools/docs.mjs, which imports the compiled module
 */
export function logTable({ log }: ScaleResult): string {
  const diskBytes = log.record_bytes + log.decision_bytes;
  const memoryBytes = (log.memory_restarted_bytes - log.memory_empty_bytes) / log.sessions;
  const rows = RETENTION_DAYS.flatMap((days) =>
    OPENS_PER_S.map((opens) => {
      const ended = opens * days * DAY_S;
      return [`${count(opens)}/s × ${days} d`, count(ended), bytes(ended * diskBytes), bytes(ended * memoryBytes)];
    }),
  );
  return table(['calculated: opens × retention', 'ended sessions', 'disk of each NATS server', 'its memory'], rows);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)));
  return `${Number((value / 1_000 ** power).toPrecision(3))} ${units[power]}`;
}

function microseconds(value: number): string {
  return `${Number(value.toPrecision(3))} µs`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toPrecision(3))} s`;
}

/** @param usPerS microseconds of work in each second */
function percent(usPerS: number): string {
  return `${Number((usPerS / 10_000).toPrecision(2))} %`;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
