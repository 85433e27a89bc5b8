import { hostname } from 'node:os';
import { DAY_MS, bytes, choice, count, countOrNone, duration, durationOrNone, origins, secret, servers, text, toggle, tokenGrants } from './config-values.ts';
import type { Spec, TokenGrant } from './config-values.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a node runs with: validated, every value within its bounds, units last in the names. */
export interface Settings {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly dataDir: string;
  readonly nodeId: string;
  /** Hard lifetime of a session that names none. */
  readonly timeoutMs: number;
  /** Longest lifetime a session may ask for; null: any. */
  readonly timeoutMaxMs: number | null;
  readonly statementTimeoutMs: number;
  /** DuckDB's memory limit of one session. */
  readonly memoryLimitBytes: number;
  /** Longest body of one HTTP request. */
  readonly maxBodyBytes: number;
  /** Statements waiting per session. */
  readonly maxQueue: number;
  /** Live sessions of this node. */
  readonly maxSessions: number;
  /** Live sessions of one tenant on this node; null: as many as the node takes. */
  readonly maxSessionsPerTenant: number | null;
  readonly maxWorkers: number;
  readonly spareWorkers: number;
  readonly sessionsPerWorker: number;
  /** Whether the DuckDB instance of a small session may serve its tenant again, emptied. */
  readonly reuseSlots: boolean;
  readonly heartbeatMs: number;
  readonly fenceMs: number;
  readonly claimMs: number;
  readonly scanMs: number;
  readonly drainMs: number;
  /** How long the log keeps ended sessions; null: for ever. */
  readonly retentionMs: number | null;
  /** Independent Redis masters that hold leases and claims, an odd number; none: an embedded node. */
  readonly redis: readonly string[];
  /** Servers of the NATS cluster that holds the lifecycle log; none: an embedded node. */
  readonly nats: readonly string[];
  /** Where other nodes and clients reach this one; null: where it listens. */
  readonly advertise: string | null;
  /** What nodes of one cluster know each other by. */
  readonly clusterSecret: string | null;
  /** How long a holder must have been out of reach before its sessions are recorded as ended without proof; null: never. */
  readonly unreachableGraceMs: number | null;
  readonly corsOrigin: readonly string[];
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
  readonly tokens: readonly TokenGrant[];
  /** File of the JSON Web Key Set that signs tokens; null: no JWT is accepted. */
  readonly jwtKeys: string | null;
  readonly jwtIssuer: string | null;
  readonly jwtAudience: string | null;
  readonly jwtTenantClaim: string;
  /** Claim that holds `operator` for the operator's role. */
  readonly jwtRoleClaim: string;
}

export type SettingKey = keyof Settings;

const A_NAME = { placeholder: '<name>', pattern: /^[A-Za-z0-9_-]{1,64}$/, form: '1 to 64 characters of A-Z, a-z, 0-9, "_" and "-"' } as const;
const AN_ADDRESS = { placeholder: '<url>', pattern: /^https?:\/\/[^\s/]+$/, form: 'an http or https address without a path' } as const;
const A_CLAIM = { placeholder: '<claim>' } as const;

/** The one table of settings: flags, variables, file keys, help, `--print-config` and docs/configuration.md follow from it. */
export const SETTINGS: { readonly [K in SettingKey]: Spec<Settings[K]> } = {
  host: text('host', '127.0.0.1', { placeholder: '<address>' }, 'Address to listen on; other than loopback needs tokens, or --insecure'),
  port: count('port', 7464, { min: 0, max: 65_535 }, 'Port to listen on; 0 takes a free one'),
  dataDir: text('data-dir', '.mayfly', { placeholder: '<folder>' }, 'Folder of the journal and of spill files; one process holds it at a time'),
  nodeId: text('node-id', defaultNodeId(), A_NAME, 'Name of this node, shown with its sessions'),
  timeoutMs: duration('timeout', 3_600_000, { min: 1, max: 3_650 * DAY_MS }, 'Lifetime of a session that names none'),
  timeoutMaxMs: durationOrNone('timeout-max', DAY_MS, { min: 1, max: 3_650 * DAY_MS }, 'Longest lifetime a session may ask for'),
  statementTimeoutMs: duration('statement-timeout', 30_000, { min: 1, max: DAY_MS }, 'Time a statement has before it is interrupted'),
  memoryLimitBytes: bytes('memory-limit', 256e6, { min: 16e6, max: 2 ** 40 }, 'Memory of one session'),
  maxBodyBytes: bytes('max-body-bytes', 2 ** 31, { min: 1_024, max: 2 ** 40 }, 'Longest body of one request'),
  maxQueue: count('max-queue', 64, { min: 0, max: 10_000 }, 'Statements that may wait in one session'),
  maxSessions: count('max-sessions', 1_000, { min: 1, max: 100_000 }, 'Live sessions of this node'),
  maxSessionsPerTenant: countOrNone('max-sessions-per-tenant', null, { min: 1, max: 100_000 }, 'Live sessions of one tenant on this node'),
  maxWorkers: count('max-workers', 32, { min: 1, max: 1_024 }, 'Worker processes; each serves one tenant'),
  spareWorkers: count('spare-workers', 2, { min: 0, max: 64 }, 'Worker processes kept ready for tenants to come'),
  sessionsPerWorker: count('sessions-per-worker', 128, { min: 1, max: 1_024 }, 'Sessions of a tenant that share a worker process'),
  reuseSlots: toggle('reuse-slots', 'Give the emptied DuckDB instance of a small session to the same tenant again', true),
  heartbeatMs: duration('heartbeat-ms', 2_500, { min: 10, max: 60_000 }, 'Time between two heartbeats of this node'),
  fenceMs: duration('fence-ms', 6_000, { min: 20, max: 600_000 }, 'Time without a heartbeat after which it stops serving; at least 2 heartbeats'),
  claimMs: duration('claim-ms', 15_000, { min: 40, max: 3_600_000 }, 'Time without a sign of life after which its sessions are ended; at least 2 fences'),
  scanMs: duration('scan-ms', 1_000, { min: 10, max: 60_000 }, 'Time between two scans for sessions that nobody ended'),
  drainMs: duration('drain-ms', 20_000, { min: 0, max: 3_600_000 }, 'Time running sessions have to end by themselves when the node stops'),
  retentionMs: durationOrNone('retention', 30 * DAY_MS, { min: 1_000, max: 36_500 * DAY_MS }, 'Time the log keeps ended sessions'),
  redis: servers('redis', ['redis', 'rediss'], 'Redis masters, an odd number of independent ones, comma-separated; with --nats: a node of a cluster'),
  nats: servers('nats', ['nats', 'tls'], 'Servers of one NATS cluster with JetStream, comma-separated; with --redis: a node of a cluster'),
  advertise: text('advertise', null, AN_ADDRESS, 'Where other nodes and clients reach this one; where it listens, unless given'),
  clusterSecret: secret('cluster-secret', 16, 'What the nodes of one cluster know each other by: at least 16 characters, the same on each'),
  unreachableGraceMs: durationOrNone(
    'unreachable-grace',
    DAY_MS,
    { min: 1_000, max: 3_650 * DAY_MS },
    'Time a node must stay out of reach before its sessions are recorded as ended without proof',
  ),
  corsOrigin: origins('cors-origin', 'Web origins whose pages may call this node; "*" for any'),
  insecure: toggle('insecure', 'Listen beyond loopback without tokens'),
  logLevel: choice('log-level', 'info', LOG_LEVELS, 'Least severity that is logged'),
  tokens: tokenGrants('tokens', 'JSON of static tokens: {"<token>": "<tenant>" | {"role": "operator"}}'),
  jwtKeys: text('jwt-keys', null, { placeholder: '<file>' }, 'File of the JSON Web Key Set whose signatures are accepted'),
  jwtIssuer: text('jwt-issuer', null, { placeholder: '<issuer>' }, 'Issuer a JWT must name'),
  jwtAudience: text('jwt-audience', null, { placeholder: '<audience>' }, 'Audience a JWT must name'),
  jwtTenantClaim: text('jwt-tenant-claim', 'tenant', A_CLAIM, 'Claim of a JWT that names the tenant'),
  jwtRoleClaim: text('jwt-role-claim', 'role', A_CLAIM, 'Claim of a JWT that says "operator" for the operator role'),
};

export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

export const flagOf = (name: string): string => `--${name}`;
export const variableOf = (name: string): string => `MAYFLY_${name.toUpperCase().replaceAll('-', '_')}`;
export const fileKeyOf = (name: string): string => name.replaceAll('-', '_');
/** How the command line and `Mayfly.open` call a setting: `data-dir` is `dataDir`. */
export const optionOf = (name: string): string => name.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());

/** The host's own name, so that nodes on different hosts differ without being told. */
function defaultNodeId(): string {
  return (
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64) || 'node'
  );
}
