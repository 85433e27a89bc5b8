import { join } from 'node:path';
import { Internal } from '../domain/errors.ts';
import type { JournalFile, JournalFiles } from './journal-files.ts';
import { decodeLine, FIRST_PREVIOUS, LINE_MAX_BYTES, NEWLINE, TAIL_BYTES, type JournalEntry } from './journal-line.ts';

const CHUNK_BYTES = 256 * 1024;
const HOLE = Buffer.alloc(8);
const ANCHOR = 'anchor.json';
const SEGMENT = /^(\d{16})\.jsonl$/;

/** The last line of the part that retention deleted; the first line that is left points to it. */
export interface Anchor {
  readonly offset: number;
  readonly hash: string;
}

export const JOURNAL_START: Anchor = { offset: 0, hash: FIRST_PREVIOUS };

export interface SegmentName {
  readonly path: string;
  readonly firstOffset: number;
}

export interface ScannedLine {
  readonly segment: SegmentName;
  readonly entry: JournalEntry;
  readonly hash: string;
  /** Byte in the segment where the line starts, and bytes with its newline. */
  readonly position: number;
  readonly length: number;
}

/** A write that was cut off: never acknowledged, so nothing is lost with it. */
export interface TornTail {
  readonly segment: SegmentName;
  /** Bytes of the segment that are whole lines. */
  readonly goodBytes: number;
  readonly tornBytes: number;
  /** The torn part is a whole line that lacks its newline alone. */
  readonly lacksNewline: boolean;
}

export function segmentPath(folder: string, firstOffset: number): string {
  return join(folder, `${String(firstOffset).padStart(16, '0')}.jsonl`);
}

/** All segments, oldest first. */
export async function listSegments(files: JournalFiles, folder: string): Promise<SegmentName[]> {
  return (await files.list(folder))
    .flatMap((name) => {
      const match = SEGMENT.exec(name);
      return match === null ? [] : [{ path: join(folder, name), firstOffset: Number(match[1]) }];
    })
    .toSorted((a, b) => a.firstOffset - b.firstOffset);
}

export async function readAnchor(files: JournalFiles, folder: string): Promise<Anchor> {
  const text = await files.readText(join(folder, ANCHOR));
  if (text === undefined) return JOURNAL_START;
  try {
    const anchor = JSON.parse(text) as Anchor;
    if (Number.isSafeInteger(anchor.offset) && anchor.offset > 0 && /^[0-9a-f]{64}$/.test(anchor.hash)) return anchor;
  } catch {
    // Told below.
  }
  throw damaged(join(folder, ANCHOR), 0, 'is not an anchor');
}

export function writeAnchor(files: JournalFiles, folder: string, anchor: Anchor): Promise<void> {
  return files.replace(folder, ANCHOR, `${JSON.stringify(anchor)}\n`);
}

/**
 * Reads and verifies `segments` in order: every hash, the chain, and that no offset is missing. Gives every good line,
 * and returns the torn tail of the last segment, if there is one.
 * @throws Internal (`file`, `position`) at anything else that is wrong
 */
export async function* scanSegments(files: JournalFiles, segments: readonly SegmentName[], anchor: Anchor): AsyncGenerator<ScannedLine, TornTail | undefined> {
  let before = anchor;
  for (const [index, segment] of segments.entries()) {
    if (segment.firstOffset !== before.offset + 1) throw damaged(segment.path, 0, `starts at entry ${segment.firstOffset}, but ${before.offset + 1} is next`);
    const file = await files.open(segment.path, 'read');
    try {
      let good = 0;
      for await (const { line, position } of splitLines(file, segment.path)) {
        const decoded = line.terminated ? decodeLine(line.bytes) : undefined;
        if (decoded?.ok !== true) {
          const torn = index === segments.length - 1 ? await tornTail(file, segment, good, line) : undefined;
          if (torn !== undefined) return torn;
          throw damaged(segment.path, position, decoded?.why ?? 'ends in the middle of an entry');
        }
        const { entry, hash } = decoded;
        if (entry.offset !== before.offset + 1) throw damaged(segment.path, position, `holds entry ${entry.offset} where ${before.offset + 1} belongs`);
        if (entry.previous !== before.hash) throw damaged(segment.path, position, 'does not follow the entry before it');
        before = { offset: entry.offset, hash };
        good = position + line.bytes.length + 1;
        yield { segment, entry, hash, position, length: line.bytes.length + 1 };
      }
    } finally {
      await file.close();
    }
  }
  return undefined;
}

interface RawLine {
  readonly bytes: Buffer;
  readonly terminated: boolean;
}

async function* splitLines(file: JournalFile, path: string): AsyncGenerator<{ line: RawLine; position: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const read = await file.read(chunk, position + rest.length);
    if (read === 0) break;
    rest = rest.length === 0 ? chunk.subarray(0, read) : Buffer.concat([rest, chunk.subarray(0, read)]);
    let start = 0;
    for (let end = rest.indexOf(NEWLINE, start); end >= 0; end = rest.indexOf(NEWLINE, start)) {
      yield { line: { bytes: rest.subarray(start, end), terminated: true }, position: position + start };
      start = end + 1;
    }
    position += start;
    rest = rest.subarray(start);
    if (rest.length > LINE_MAX_BYTES) throw damaged(path, position, 'is longer than any entry');
  }
  if (rest.length > 0) yield { line: { bytes: rest, terminated: false }, position };
}

/**
 * Whether what is wrong is the end of a cut-off write. A write that was cut lacks its newline, or (after a power cut)
 * has a hole of zeros and no good line behind it. A whole line with a wrong byte was acknowledged once: that is damage.
 */
async function tornTail(file: JournalFile, segment: SegmentName, good: number, line: RawLine): Promise<TornTail | undefined> {
  const size = await file.size();
  const torn = { segment, goodBytes: good, tornBytes: size - good, lacksNewline: false };
  if (!line.terminated) {
    if (decodeLine(line.bytes).ok) return { ...torn, lacksNewline: true };
    return startsWithWholeLine(line.bytes) ? undefined : torn;
  }
  const tail = Buffer.alloc(size - good);
  for (let read = 0; read < tail.length;) {
    const count = await file.read(tail.subarray(read), good + read);
    if (count === 0) break;
    read += count;
  }
  if (!line.bytes.includes(HOLE)) return undefined;
  for (let start = 0, end = tail.indexOf(NEWLINE); end >= 0; start = end + 1, end = tail.indexOf(NEWLINE, start)) {
    if (decodeLine(tail.subarray(start, end)).ok) return undefined;
  }
  return torn;
}

/** A good line and more: its newline was there once and was changed. */
function startsWithWholeLine(bytes: Buffer): boolean {
  for (let end = bytes.indexOf('"}', TAIL_BYTES - 2); end >= 0; end = bytes.indexOf('"}', end + 1)) {
    if (decodeLine(bytes.subarray(0, end + 2)).ok) return true;
  }
  return false;
}

export function damaged(path: string, position: number, why: string): Error {
  return new Internal(
    `The journal file ${path} is damaged at byte ${position}: the line ${why}. It is not opened, because proof could be lost; ` +
      'restore the data directory from a backup, or start with a new one',
    { file: path, position },
  );
}

/** What `verifyJournal` found: a journal that is whole. */
export interface JournalReport {
  readonly segments: number;
  readonly entries: number;
  /** 0 when it is empty. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** SHA-256 of the last line: whoever keeps it elsewhere can tell later whether anything was changed since. */
  readonly lastHash: string;
  /** Bytes behind the last whole line: a write under way, or one that was cut off. */
  readonly tornBytes: number;
}

/**
 * Verifies a journal folder without changing it, also while a node writes to it.
 * @throws Internal (`file`, `position`) at the first thing wrong
 */
export async function verifyJournal(files: JournalFiles, folder: string): Promise<JournalReport> {
  const anchor = await readAnchor(files, folder);
  const segments = (await listSegments(files, folder)).filter((segment) => segment.firstOffset > anchor.offset);
  const report = { segments: segments.length, entries: 0, firstOffset: 0, lastOffset: anchor.offset, lastHash: anchor.hash };
  const scan = scanSegments(files, segments, anchor);
  for (;;) {
    const step = await scan.next();
    if (step.done === true) return { ...report, tornBytes: step.value?.tornBytes ?? 0 };
    const { entry, hash } = step.value;
    if (report.entries === 0) report.firstOffset = entry.offset;
    report.entries += 1;
    report.lastOffset = entry.offset;
    report.lastHash = hash;
  }
}
