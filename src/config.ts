import { readFileSync } from 'node:fs';
import { SETTINGS, SETTING_KEYS, fileKeyOf, flagOf, optionOf, variableOf } from './config-table.ts';
import type { LogLevel, SettingKey, Settings } from './config-table.ts';
import { showValue } from './config-values.ts';
import type { DurationInput } from './domain/duration.ts';
import { InvalidRequest, MayflyError } from './domain/errors.ts';

export type { LogLevel, Settings } from './config-table.ts';

/** Settings as callers give them, to `Mayfly.open` or as flags: durations and sizes may be texts such as `"1h"` and `"256MB"`. */
export interface SettingsInput {
  readonly host?: string;
  readonly port?: number | string;
  readonly dataDir?: string;
  readonly nodeId?: string;
  readonly timeout?: DurationInput;
  readonly timeoutMax?: DurationInput | null;
  readonly statementTimeout?: DurationInput;
  readonly memoryLimit?: number | string;
  readonly maxBodyBytes?: number | string;
  readonly maxQueue?: number | string;
  readonly maxSessions?: number | string;
  readonly maxSessionsPerTenant?: number | string | null;
  readonly maxWorkers?: number | string;
  readonly spareWorkers?: number | string;
  readonly sessionsPerWorker?: number | string;
  readonly heartbeatMs?: DurationInput;
  readonly fenceMs?: DurationInput;
  readonly claimMs?: DurationInput;
  readonly scanMs?: DurationInput;
  readonly drainMs?: DurationInput;
  readonly retention?: DurationInput | null;
  readonly redis?: string | readonly string[];
  readonly nats?: string | readonly string[];
  readonly advertise?: string;
  readonly clusterSecret?: string;
  readonly unreachableGrace?: DurationInput | null;
  readonly corsOrigin?: string | readonly string[];
  readonly insecure?: boolean;
  readonly logLevel?: LogLevel;
  readonly tokens?: string | Readonly<Record<string, string | { readonly role: 'operator' }>>;
  readonly jwtKeys?: string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  readonly jwtTenantClaim?: string;
  readonly jwtRoleClaim?: string;
}

export interface SettingSources {
  /** Strongest: flags, or the options of `Mayfly.open`. */
  readonly flags?: SettingsInput | Readonly<Record<string, unknown>>;
  /** Variables; only `MAYFLY_*` of the table are looked at, an empty one counts as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Weakest: what the config file holds, with snake_case keys. */
  readonly file?: Readonly<Record<string, unknown>>;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value came from: `default`, or the flag, variable or file key that gave it. */
  readonly sources: Readonly<Record<SettingKey, string>>;
}

export function defaultSettings(): Settings {
  return loadSettings({}).settings;
}

/**
 * Flags win over variables, variables over the file, the file over the defaults.
 * @throws InvalidRequest whose `field` is the setting's key in a file, for a bad or unknown value and for values that do not fit together
 */
export function loadSettings(given: SettingSources): LoadedSettings {
  refuseUnknownKeys(given.file ?? {});
  const settings: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of SETTING_KEYS) {
    const found = lookUp(SETTINGS[key].name, given);
    sources[key] = found?.source ?? 'default';
    settings[key] = found === undefined ? SETTINGS[key].default : parseFrom(key, found);
  }
  const loaded = { settings: fitDefaults(settings as unknown as Settings, sources), sources: sources as Record<SettingKey, string> };
  refuseMisfits(loaded.settings);
  refuseHalfACluster(loaded.settings);
  return loaded;
}

/** @throws InvalidRequest when the file cannot be read or is not a JSON object */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let held: unknown;
  try {
    held = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidRequest(`The config file "${path}" cannot be read: ${why}`, { field: 'config' }, { cause });
  }
  if (typeof held !== 'object' || held === null || Array.isArray(held)) {
    throw new InvalidRequest(`The config file "${path}" must hold one JSON object, such as {"timeout": "1h"}`, { field: 'config' });
  }
  return held as Readonly<Record<string, unknown>>;
}

interface Found {
  readonly raw: unknown;
  readonly source: string;
}

function lookUp(name: string, given: SettingSources): Found | undefined {
  const flag = (given.flags as Readonly<Record<string, unknown>> | undefined)?.[optionOf(name)];
  if (flag !== undefined) return { raw: flag, source: flagOf(name) };
  const variable = given.env?.[variableOf(name)];
  if (variable !== undefined && variable !== '') return { raw: variable, source: variableOf(name) };
  const held = given.file?.[fileKeyOf(name)];
  return held === undefined ? undefined : { raw: held, source: `file:${fileKeyOf(name)}` };
}

function parseFrom(key: SettingKey, found: Found): unknown {
  const field = fileKeyOf(SETTINGS[key].name);
  try {
    return SETTINGS[key].parse(found.raw, field);
  } catch (error) {
    if (!(error instanceof MayflyError)) throw error;
    throw new InvalidRequest(`${found.source}: ${error.message}${hintFor(found)}`, { ...error.fields, source: found.source }, { cause: error });
  }
}

/** Kubernetes sets `MAYFLY_PORT=tcp://…` in every pod next to a service called mayfly. */
function hintFor(found: Found): string {
  const injected = found.source === 'MAYFLY_PORT' && String(found.raw).startsWith('tcp://');
  return injected ? '. Kubernetes set this variable for a service called "mayfly": turn it off with enableServiceLinks: false, or give --port' : '';
}

/** @throws InvalidRequest for an option that is none: mistyped, it would leave a default in force that nobody wanted */
export function refuseUnknownOptions(options: object): void {
  const known = new Set(SETTING_KEYS.map((key) => optionOf(SETTINGS[key].name)));
  const unknown = Object.keys(options).find((option) => !known.has(option));
  if (unknown !== undefined) throw new InvalidRequest(`"${unknown}" is not an option; known are ${[...known].join(', ')}`, { field: unknown });
}

function refuseUnknownKeys(file: Readonly<Record<string, unknown>>): void {
  const known = new Set(SETTING_KEYS.map((key) => fileKeyOf(SETTINGS[key].name)));
  const unknown = Object.keys(file).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw new InvalidRequest(`"${unknown}" is not a setting of the config file; known are ${[...known].join(', ')}`, { field: unknown });
}

/** A default gives way to a bound that was asked for: `--timeout-max 10m` alone is not a contradiction. */
function fitDefaults(s: Settings, sources: Readonly<Record<string, string>>): Settings {
  const timeoutMs = sources.timeoutMs === 'default' ? Math.min(s.timeoutMs, s.timeoutMaxMs ?? s.timeoutMs) : s.timeoutMs;
  const spareWorkers = sources.spareWorkers === 'default' ? Math.min(s.spareWorkers, s.maxWorkers) : s.spareWorkers;
  return { ...s, timeoutMs, spareWorkers };
}

/** Rules between settings; the timing ones keep a claim from outrunning a fence, on which I5 rests. */
function refuseMisfits(s: Settings): void {
  const ms = (value: number) => showValue(value, 'ms');
  if (s.fenceMs < 2 * s.heartbeatMs) {
    throw misfit('fence_ms', `fence_ms (${ms(s.fenceMs)}) must be at least twice heartbeat_ms (${ms(s.heartbeatMs)}), so that one lost heartbeat is no fence`);
  }
  if (s.claimMs < 2 * s.fenceMs) {
    throw misfit('claim_ms', `claim_ms (${ms(s.claimMs)}) must be at least twice fence_ms (${ms(s.fenceMs)}), so that nobody takes over what is still served`);
  }
  if (s.timeoutMaxMs !== null && s.timeoutMs > s.timeoutMaxMs) {
    throw misfit('timeout', `timeout (${ms(s.timeoutMs)}) is above timeout_max (${ms(s.timeoutMaxMs)}): lower it, or raise timeout_max`);
  }
  if (s.spareWorkers > s.maxWorkers) {
    throw misfit('spare_workers', `spare_workers (${s.spareWorkers}) is above max_workers (${s.maxWorkers})`);
  }
  if (s.jwtKeys === null && (s.jwtIssuer !== null || s.jwtAudience !== null)) {
    throw misfit('jwt_keys', 'jwt_issuer and jwt_audience say nothing without jwt_keys: name the key set too');
  }
  if (!isLoopback(s.host) && !s.insecure && s.tokens.length === 0 && s.jwtKeys === null) {
    throw misfit(
      'host',
      `"${s.host}" can be reached from other machines and no tokens are configured: give --tokens or --jwt-keys, or --insecure to go without`,
    );
  }
}

/** Leases, log and secret make a cluster node together, or none of them does. */
function refuseHalfACluster(s: Settings): void {
  if (!isClustered(s)) {
    const alone = s.clusterSecret !== null ? 'cluster_secret' : s.advertise !== null ? 'advertise' : undefined;
    if (alone !== undefined) throw misfit(alone, `${alone} says nothing without redis and nats: name both to make this node part of a cluster`);
    return;
  }
  if (s.redis.length === 0) throw misfit('redis', 'a node of a cluster needs its leases: name the Redis masters in redis, or leave nats out');
  if (s.nats.length === 0) throw misfit('nats', 'a node of a cluster needs its log: name the NATS servers in nats, or leave redis out');
  if (s.redis.length % 2 === 0) {
    throw misfit('redis', `${s.redis.length} Redis masters can split in halves of which neither is a majority: name an odd number, such as 1, 3 or 5`);
  }
  if (s.clusterSecret === null) throw misfit('cluster_secret', 'the nodes of a cluster know each other by a secret: give the same cluster_secret to each');
}

/** Whether these settings make a node of a cluster rather than an embedded one. */
export function isClustered(settings: Pick<Settings, 'redis' | 'nats'>): boolean {
  return settings.redis.length > 0 || settings.nats.length > 0;
}

function misfit(field: string, detail: string): MayflyError {
  return new InvalidRequest(detail, { field });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
