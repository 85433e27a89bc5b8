import { createHash } from 'node:crypto';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { Decision } from '../ports/lifecycle-log.ts';

interface RecordDraft {
  readonly kind: 'record';
  readonly n: number;
  readonly by: Holder;
  readonly record: LifecycleRecord;
}

interface DecisionDraft {
  readonly kind: 'decision';
  readonly decision: Decision;
}

/** A record on its way to a shared log. */
interface KeptDraft {
  readonly kind: 'kept';
  readonly n: number;
  readonly append_id: string;
  readonly by: Holder;
  readonly record: LifecycleRecord;
}

/** A kept record's fate: where the shared log holds it, or null: nowhere, and it is not to be tried again. */
interface SettledDraft {
  readonly kind: 'settled';
  /** Offset of its `kept` line. */
  readonly entry: number;
  readonly sequence: number | null;
}

/** The shared log that holds all that was settled up to here; null: in doubt. */
interface StreamDraft {
  readonly kind: 'stream';
  readonly stream: string | null;
}

/** What is to be written, before it has its place. */
export type EntryDraft = RecordDraft | DecisionDraft | KeptDraft | SettledDraft | StreamDraft;

interface Placed {
  /** Position in the journal: 1, 2, 3 … over all kinds of entry. */
  readonly offset: number;
  /** Wall clock when it was written, ms since 1970. */
  readonly at: number;
  /** SHA-256 of the line before this one, hex; zeros before the first. */
  readonly previous: string;
}

export type JournalEntry = Placed & EntryDraft;

export interface EncodedLine {
  readonly bytes: Buffer;
  readonly hash: string;
}

export type DecodedLine = { readonly ok: true; readonly entry: JournalEntry; readonly hash: string } | { readonly ok: false; readonly why: string };

export const FIRST_PREVIOUS = '0'.repeat(64);
export const NEWLINE = 10;
/** No entry is longer, its newline included. */
export const LINE_MAX_BYTES = 4 * 1024 * 1024;

const TAIL_START = Buffer.from(',"hash":"');
const TAIL = /^,"hash":"([0-9a-f]{64})"\}$/;
/** Bytes of `,"hash":"<64 hex>"}`. */
export const TAIL_BYTES = TAIL_START.length + 64 + 2;
const HASH = /^[0-9a-f]{64}$/;
const OFFSET = Buffer.from('{"offset":');

/**
 * One line of JSON with its own SHA-256 as the last field: the hash of the line with that field left out. Each line so
 * proves itself, and through `previous` every line before it.
 */
export function encodeLine(entry: JournalEntry): EncodedLine {
  const { offset, at, previous, ...draft } = entry;
  const body = JSON.stringify({ offset, previous, at, ...draft });
  const hash = createHash('sha256').update(body).digest('hex');
  return { bytes: Buffer.from(`${body.slice(0, -1)},"hash":"${hash}"}\n`), hash };
}

/** Reads a line without its newline. Never throws: whatever the bytes are, it says what is wrong with them. */
export function decodeLine(line: Buffer): DecodedLine {
  if (line.length <= TAIL_BYTES) return { ok: false, why: 'too short to be an entry' };
  const split = line.length - TAIL_BYTES;
  const hash = TAIL.exec(line.toString('latin1', split))?.[1];
  if (hash === undefined) return { ok: false, why: 'does not end with its hash' };
  const actual = createHash('sha256').update(line.subarray(0, split)).update('}').digest('hex');
  if (actual !== hash) return { ok: false, why: 'its hash does not match its content' };
  try {
    const value: unknown = JSON.parse(`${line.toString('utf8', 0, split)}}`);
    return isEntry(value) ? { ok: true, entry: value, hash } : { ok: false, why: 'is not an entry of this version' };
  } catch {
    return { ok: false, why: 'is not JSON' };
  }
}

/** The offset, without reading the rest of the line; NaN when it is no entry. */
export function offsetOf(line: Buffer): number {
  if (line.compare(OFFSET, 0, OFFSET.length, 0, OFFSET.length) !== 0) return Number.NaN;
  return Number.parseInt(line.toString('latin1', OFFSET.length, OFFSET.length + 17), 10);
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value) || !isCount(value['offset']) || value['offset'] === 0 || typeof value['at'] !== 'number') return false;
  if (typeof value['previous'] !== 'string' || !HASH.test(value['previous'])) return false;
  switch (value['kind']) {
    case 'record':
      return isCount(value['n']) && isHolder(value['by']) && isRecord(value['record']);
    case 'decision':
      return isDecision(value['decision']);
    case 'kept':
      return isCount(value['n']) && hasTexts(value, ['append_id']) && isHolder(value['by']) && isRecord(value['record']);
    case 'settled':
      return isCount(value['entry']) && (value['sequence'] === null || isCount(value['sequence']));
    case 'stream':
      return value['stream'] === null || typeof value['stream'] === 'string';
    default:
      return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === 'string');
}

function isHolder(value: unknown): boolean {
  return hasTexts(value, ['node', 'incarnation']);
}

function isRecord(value: unknown): boolean {
  return hasTexts(value, ['session_id', 'tenant_id', 'event', 'occurred_at']);
}

function isDecision(value: unknown): boolean {
  return hasTexts(value, ['tenant', 'session', 'event', 'reason', 'by']);
}
