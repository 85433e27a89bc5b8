import { readFileSync } from 'node:fs';
import { parseDuration } from './domain/duration.ts';
import { InvalidRequest, MayflyError } from './domain/errors.ts';
import { parseTenant } from './domain/tenant.ts';
import type { Tenant } from './domain/tenant.ts';

/** What a static bearer token stands for: a tenant, or the operator's role. */
export type TokenGrant = { readonly token: string; readonly tenant: Tenant } | { readonly token: string; readonly operator: true };

/** Unit of a setting's value. */
export type Unit = 'ms' | 'bytes' | 'count' | 'text' | 'switch';

/** How one setting is read and shown. `T` is its value's type; null stands for "none". */
export interface Spec<T> {
  /** Kebab case; the flag is `--<name>`, the variable `MAYFLY_<NAME>`, the key in a file `<name>` with underscores. */
  readonly name: string;
  readonly default: T;
  readonly unit: Unit;
  /** What the value looks like in the help, e.g. `<duration>`; none for a switch. */
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly repeatable?: true;
  /** Never printed. */
  readonly secret?: true;
  readonly description: string;
  /** How the value is printed, when not as it is. */
  readonly show?: (this: void, value: T) => string;
  /** @throws InvalidRequest when the raw value (text, or JSON from a file) is not valid; bounds included. */
  parse(raw: unknown, field: string): T;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export function duration(name: string, defaultMs: number, bounds: Bounds, description: string): Spec<number> {
  const parse = (raw: unknown, field: string) => within(durationMs(raw, field), bounds, field, 'ms');
  return { name, default: defaultMs, unit: 'ms', placeholder: '<duration>', ...bounds, description, parse };
}

export function durationOrNone(name: string, defaultMs: number | null, bounds: Bounds, description: string): Spec<number | null> {
  const parse = (raw: unknown, field: string) => (isNone(raw) ? null : within(durationMs(raw, field), bounds, field, 'ms'));
  return { name, default: defaultMs, unit: 'ms', placeholder: '<duration|none>', ...bounds, description, parse };
}

export function count(name: string, defaultCount: number, bounds: Bounds, description: string): Spec<number> {
  const parse = (raw: unknown, field: string) => within(wholeNumber(raw, field), bounds, field, 'count');
  return { name, default: defaultCount, unit: 'count', placeholder: '<number>', ...bounds, description, parse };
}

export function countOrNone(name: string, defaultCount: number | null, bounds: Bounds, description: string): Spec<number | null> {
  const parse = (raw: unknown, field: string) => (isNone(raw) ? null : within(wholeNumber(raw, field), bounds, field, 'count'));
  return { name, default: defaultCount, unit: 'count', placeholder: '<number|none>', ...bounds, description, parse };
}

export function bytes(name: string, defaultBytes: number, bounds: Bounds, description: string): Spec<number> {
  const parse = (raw: unknown, field: string) => within(parseBytes(raw, field), bounds, field, 'bytes');
  return { name, default: defaultBytes, unit: 'bytes', placeholder: '<size>', ...bounds, description, parse };
}

interface TextForm {
  readonly placeholder: string;
  readonly pattern?: RegExp;
  readonly form?: string;
}

export function text<D extends string | null>(name: string, defaultText: D, form: TextForm, description: string): Spec<string | D> {
  const parse = (raw: unknown, field: string) => plainText(raw, field, form);
  return { name, default: defaultText, unit: 'text', placeholder: form.placeholder, description, parse };
}

export function choice<C extends string>(name: string, defaultChoice: C, choices: readonly C[], description: string): Spec<C> {
  const parse = (raw: unknown, field: string) => {
    const found = choices.find((candidate) => candidate === raw);
    if (found === undefined) throw new InvalidRequest(`"${String(raw)}" is not one of ${choices.join(', ')}`, { field });
    return found;
  };
  return { name, default: defaultChoice, unit: 'text', placeholder: '<level>', choices, description, parse };
}

/** One that is on by default takes a value on the command line, so that it can be put off there. */
export function toggle(name: string, description: string, standard = false): Spec<boolean> {
  const parse = (raw: unknown, field: string) => {
    if (raw === true || raw === 'true' || raw === '1') return true;
    if (raw === false || raw === 'false' || raw === '0') return false;
    throw new InvalidRequest(`"${String(raw)}" is neither "true" nor "false"`, { field });
  };
  return { name, default: standard, unit: 'switch', ...(standard ? { placeholder: '<true|false>' } : {}), description, parse };
}

/** Web origins, comma-separated or repeated; `*` means any. */
export function origins(name: string, description: string): Spec<readonly string[]> {
  const parse = (raw: unknown, field: string) => {
    const given = (Array.isArray(raw) ? raw : [raw]).flatMap((item) => (typeof item === 'string' ? item.split(',') : [item]));
    return [...new Set(given.map((item) => originOf(item, field)))];
  };
  return { name, default: [], unit: 'text', placeholder: '<origin>', repeatable: true, description, parse };
}

/** Addresses of servers, comma-separated or as an array; a bare `host:port` gets the first scheme. Never printed with a password. */
export function servers(name: string, schemes: readonly [string, ...string[]], description: string): Spec<readonly string[]> {
  const parse = (raw: unknown, field: string) => {
    const given = (Array.isArray(raw) ? raw : [raw]).flatMap((item) => (typeof item === 'string' ? item.split(',') : [item]));
    const urls = given.map((item) => serverOf(item, schemes, field));
    const twice = urls.find((url, index) => urls.indexOf(url) !== index);
    if (twice !== undefined) throw new InvalidRequest(`"${withoutPassword(twice)}" is named twice`, { field });
    return urls;
  };
  return { name, default: [], unit: 'text', placeholder: '<url,…>', repeatable: true, description, parse, show: (urls) => urls.map(withoutPassword).join(',') };
}

/** A text of at least `charsMin` characters that is never printed. */
export function secret(name: string, charsMin: number, description: string): Spec<string | null> {
  const parse = (raw: unknown, field: string) => {
    if (typeof raw !== 'string' || raw.length < charsMin) throw new InvalidRequest(`It has at least ${charsMin} characters`, { field, min: charsMin });
    return raw;
  };
  return { name, default: null, unit: 'text', placeholder: '<text>', secret: true, description, parse };
}

/** Static tokens: an object `{"<token>": "<tenant>" | {"role": "operator"}}`, inline as JSON, or the path of a file that holds it. */
export function tokenGrants(name: string, description: string): Spec<readonly TokenGrant[]> {
  return { name, default: [], unit: 'text', placeholder: '<file>', secret: true, description, parse: parseTokens };
}

function serverOf(item: unknown, schemes: readonly [string, ...string[]], field: string): string {
  const given = typeof item === 'string' ? item.trim() : '';
  const url = given.includes('://') ? given : `${schemes[0]}://${given}`;
  const scheme = URL.canParse(url) ? new URL(url).protocol.slice(0, -1) : '';
  if (given === '' || !schemes.includes(scheme) || new URL(url).hostname === '') {
    throw new InvalidRequest(
      `"${withoutPassword(String(item))}" is not an address such as "${schemes[0]}://10.0.0.1:${schemes[0] === 'redis' ? 6379 : 4222}"`,
      { field },
    );
  }
  return url;
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^/@:]*:)[^/@]*@/, '$1hidden@');
}

const BYTE_UNITS = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 } as const;

/** Bytes from a whole number, or a text such as `256MB` (10^6) or `2GiB` (2^30), as DuckDB reads them. */
function parseBytes(raw: unknown, field: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(raw));
  const unit = (match?.[2] ?? '').toLowerCase() || 'b';
  const value = match !== null && Object.hasOwn(BYTE_UNITS, unit) ? Number(match[1]) * BYTE_UNITS[unit as keyof typeof BYTE_UNITS] : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new InvalidRequest(`"${String(raw)}" is not a size: give whole bytes, or a text such as "256MB" or "2GiB"`, { field });
  return value;
}

/** Like `parseDuration`, and 0 as well, which some bounds allow. */
function durationMs(raw: unknown, field: string): number {
  if (raw === 0 || raw === '0') return 0;
  return parseDuration(raw as number | string, field);
}

function wholeNumber(raw: unknown, field: string): number {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InvalidRequest(`"${String(raw)}" is not a whole number`, { field });
  return value;
}

function plainText(raw: unknown, field: string, form: TextForm): string {
  if (typeof raw !== 'string' || raw.trim() === '' || (form.pattern !== undefined && !form.pattern.test(raw))) {
    throw new InvalidRequest(`"${String(raw)}" is not ${form.form ?? 'a text'}`, { field });
  }
  return raw;
}

function originOf(item: unknown, field: string): string {
  const candidate = typeof item === 'string' ? item.trim() : '';
  if (candidate === '*') return candidate;
  const origin = URL.canParse(candidate) ? new URL(candidate).origin : 'null';
  if (origin === 'null' || origin !== candidate.replace(/\/$/, '')) {
    throw new InvalidRequest(`"${String(item)}" is not a web origin: give a scheme and a host, such as "https://app.example.com", or "*"`, { field });
  }
  return origin;
}

function parseTokens(raw: unknown, field: string): readonly TokenGrant[] {
  const held = typeof raw === 'string' ? readTokens(raw, field) : raw;
  if (typeof held !== 'object' || held === null || Array.isArray(held)) {
    throw new InvalidRequest('Tokens are a JSON object that maps each token to a tenant or to {"role": "operator"}', { field });
  }
  return Object.entries(held).map(([token, grant]) => grantOf(token, grant, field));
}

/** The error never quotes the text: it may hold secrets. */
function readTokens(source: string, field: string): unknown {
  const inline = source.trimStart().startsWith('{');
  try {
    return JSON.parse(inline ? source : readFileSync(source, 'utf8'));
  } catch (cause) {
    const what = inline ? 'The tokens are not valid JSON' : `The token file "${source}" cannot be read as JSON`;
    throw new InvalidRequest(`${what}: give {"<token>": "<tenant>"}`, { field }, { cause });
  }
}

function grantOf(token: string, grant: unknown, field: string): TokenGrant {
  if (token.length < 8) throw new InvalidRequest('A token has at least 8 characters', { field });
  if (typeof grant === 'string') return { token, tenant: tenantOf(grant, field) };
  if (typeof grant === 'object' && grant !== null && 'role' in grant && grant.role === 'operator') return { token, operator: true };
  throw new InvalidRequest('A token maps to a tenant\'s name or to {"role": "operator"}', { field });
}

function tenantOf(name: string, field: string): Tenant {
  try {
    return parseTenant(name);
  } catch (error) {
    throw new InvalidRequest(`"${name}" is not a tenant: ${error instanceof MayflyError ? error.message : String(error)}`, { field }, { cause: error });
  }
}

function isNone(raw: unknown): boolean {
  return raw === 'none' || raw === null;
}

function within(value: number, bounds: Bounds, field: string, unit: Unit): number {
  if (value < bounds.min || value > bounds.max) {
    const range = `between ${showValue(bounds.min, unit)} and ${showValue(bounds.max, unit)}`;
    throw new InvalidRequest(`${showValue(value, unit)} is out of bounds: give a value ${range}`, { field, min: bounds.min, max: bounds.max });
  }
  return value;
}

const SHOWN_MS = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', 60_000],
  ['s', 1_000],
] as const;
const SHOWN_BYTES = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
] as const;

/** A value as a person writes it, in a form that `parse` reads back to the same value. */
export function showValue(value: unknown, unit: Unit): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  const units = unit === 'ms' ? SHOWN_MS : unit === 'bytes' ? SHOWN_BYTES : [];
  const fitting = value === 0 ? undefined : units.find(([, size]) => value % size === 0);
  if (fitting !== undefined) return `${value / fitting[1]}${fitting[0]}`;
  return unit === 'ms' && value !== 0 ? `${value}ms` : String(value);
}
