import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from 'nats';
import { InvalidRequest, Unavailable } from '../domain/errors.ts';
import { SESSION_LIFECYCLE_TOPIC } from '../domain/lifecycle-record.ts';
import type { NatsLink } from './connection.ts';
import { REFUSALS, refused, type JetStream } from './jetstream.ts';
import type { OnNotice } from './notice.ts';

export const LIFECYCLE_STREAM = 'MAYFLY_LIFECYCLE';
export const DECISIONS_STREAM = 'MAYFLY_DECISIONS';
export const DECISION_TOPIC = 'mayfly.decision.v1';

const DAY_MS = 24 * 3_600_000;
const NS_PER_MS = 1_000_000;
/** How long a session's records are kept at least once nothing can be added to them any more. */
const READABLE_MS_MIN = 7 * DAY_MS;
const REPLICAS = 3;
/** Before it, compare-and-set with a sequence above 0 is broken, and more was mended for replicas. */
const SOUND_VERSION = '2.9.21';

export interface StreamTerms {
  /** How long records and decisions are kept, in ms; null: for ever. */
  readonly retentionMs: number | null;
  /** Longest time from a session's opening to its last record, in ms: longest timeout and grace of the unreachable; null: no bound. */
  readonly pursuitMs: number | null;
  /** Servers named in the settings. */
  readonly serversNamed: number;
}

/** What a stream must be; what is not named here may be as its operator likes. */
type Promised = Pick<
  StreamConfig,
  | 'name'
  | 'subjects'
  | 'retention'
  | 'storage'
  | 'discard'
  | 'discard_new_per_subject'
  | 'max_msgs_per_subject'
  | 'max_age'
  | 'num_replicas'
  | 'deny_delete'
  | 'deny_purge'
  | 'allow_rollup_hdrs'
  | 'allow_direct'
>;

/**
 * @throws InvalidRequest (`field: "retention"`) when records could go before their session ended
 */
export function assertRetention({ retentionMs, pursuitMs }: StreamTerms): void {
  if (retentionMs === null) return;
  if (pursuitMs === null) {
    throw new InvalidRequest('Sessions without a longest timeout need records that are kept for ever: set retention to "none", or timeout_max', {
      field: 'retention',
    });
  }
  const min = pursuitMs + READABLE_MS_MIN;
  if (retentionMs >= min) return;
  throw new InvalidRequest(
    `The log of a cluster keeps records for the longest timeout, the grace of the unreachable and 7 days: retention must be at least ${inGo(min)}`,
    { field: 'retention', min },
  );
}

/**
 * Makes the two streams, or checks that they are what the promises rest on. Returns the lifecycle stream as it stands.
 * @throws InvalidRequest (`field: "nats"`, `stream`, `setting`, `expected`, `found`) for a stream that differs, or without JetStream
 * @throws Unavailable when JetStream does not answer yet
 */
export async function ensureStreams(js: JetStream, terms: StreamTerms, onNotice: OnNotice): Promise<StreamInfo> {
  await assertJetStream(js);
  const promised = (name: string, topic: string): Promised => ({
    name,
    subjects: [`${topic}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
    max_msgs_per_subject: 1,
    max_age: (terms.retentionMs ?? 0) * NS_PER_MS,
    num_replicas: isReplicated(js.link, terms) ? REPLICAS : 1,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    allow_direct: false,
  });
  const lifecycle = await ensureStream(js, promised(LIFECYCLE_STREAM, SESSION_LIFECYCLE_TOPIC), onNotice);
  await ensureStream(js, promised(DECISIONS_STREAM, DECISION_TOPIC), onNotice);
  return lifecycle;
}

/** Tells of a server that may break a promise and cannot be refused: it is what distributions ship. */
export function tellOfOldServer(link: NatsLink, terms: StreamTerms, onNotice: OnNotice): void {
  const { version } = link.server;
  if (!isReplicated(link, terms) || !isOlder(version, SOUND_VERSION)) return;
  const detail = `nats-server ${version} has known faults with replicated streams: use ${SOUND_VERSION} or later`;
  onNotice({ kind: 'server_outdated', detail, fields: { version } });
}

/** Servers that are named count while they are down: a log for three is never made for one. */
function isReplicated({ server }: NatsLink, { serversNamed }: StreamTerms): boolean {
  return server.isClustered && Math.max(server.peers, serversNamed) >= REPLICAS;
}

async function assertJetStream(js: JetStream): Promise<void> {
  const { hasJetStream, isClustered } = js.link.server;
  const info = await js.call('INFO', undefined).catch((error: unknown) => {
    // Alone and without it, nobody will ever answer; in a cluster the others may have it.
    throw hasJetStream || isClustered ? error : withoutJetStream('nobody answers');
  });
  if (info.error === undefined) return;
  const isOff = info.error.err_code === REFUSALS.notEnabled || info.error.err_code === REFUSALS.notEnabledForAccount;
  throw isOff ? withoutJetStream(info.error.description) : refused(info.error);
}

function withoutJetStream(why: string): Error {
  return new InvalidRequest(`NATS has no JetStream for this account (${why}): start nats-server with --jetstream`, { field: 'nats' });
}

async function ensureStream(js: JetStream, promised: Promised, onNotice: OnNotice): Promise<StreamInfo> {
  const standing = await js.streamInfo(promised.name);
  if (standing !== undefined) {
    assertPromised(promised, standing.config);
    return standing;
  }
  const created = await js.createStream(promised);
  if (created.error === undefined) {
    const detail = `The stream ${promised.name} was created`;
    onNotice({ kind: 'stream_created', detail, fields: { stream: promised.name, replicas: promised.num_replicas } });
    return created;
  }
  // Another node was quicker; or there are too few servers with JetStream now: fewer replicas than asked for are never taken quietly.
  const others = await js.streamInfo(promised.name);
  if (others === undefined)
    throw new Unavailable(`The stream ${promised.name} cannot be created with ${promised.num_replicas} replicas: ${created.error.description}`);
  assertPromised(promised, others.config);
  return others;
}

function assertPromised(promised: Promised, config: StreamConfig): void {
  for (const [setting, expected] of Object.entries(promised)) {
    const found: unknown = config[setting as keyof Promised];
    const fits = setting === 'num_replicas' ? Number(found) >= Number(expected) : JSON.stringify(found ?? false) === JSON.stringify(expected);
    if (fits) continue;
    throw new InvalidRequest(
      `The stream ${promised.name} has ${setting} ${shown(setting, found)} where ${shown(setting, expected)} is needed: ${mend(promised.name, setting, expected)}`,
      { field: 'nats', stream: promised.name, setting, expected, found: found ?? null },
    );
  }
}

/** Flags of `nats stream edit` for what can be changed while the records stay. */
const EDITS: Readonly<Record<string, (value: unknown) => string>> = {
  subjects: (value) => `--subjects=${String(value)}`,
  discard: () => '--discard=new',
  discard_new_per_subject: () => '--discard-per-subject',
  max_msgs_per_subject: (value) => `--max-msgs-per-subject=${String(value)}`,
  max_age: (value) => `--max-age=${shown('max_age', value)}`,
  num_replicas: (value) => `--replicas=${String(value)}`,
  deny_delete: () => '--deny-delete',
  deny_purge: () => '--deny-purge',
  allow_direct: () => '--no-allow-direct',
  allow_rollup_hdrs: () => '--no-allow-rollup',
};

function mend(stream: string, setting: string, expected: unknown): string {
  const edit = EDITS[setting];
  if (edit === undefined) return `it cannot be changed; keep its records elsewhere, remove it, and start again`;
  const other = setting === 'max_age' ? ', or set retention to what the stream has' : '';
  return `run "nats stream edit ${stream} ${edit(expected)}"${other}`;
}

function shown(setting: string, value: unknown): string {
  if (setting === 'max_age') return inGo(Number(value) / NS_PER_MS);
  return value === undefined ? 'unset' : JSON.stringify(value);
}

/** A duration as Go and the `nats` program read it. */
function inGo(ms: number): string {
  if (ms === 0) return '0s';
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms}ms`;
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => (text.split('-')[0] ?? '').split('.').map(Number));
  for (let i = 0; i < 3; i += 1) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
