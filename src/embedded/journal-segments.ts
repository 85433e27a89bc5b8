import { Internal, Unavailable } from '../domain/errors.ts';
import { writeFully, type JournalFile, type JournalFiles } from './journal-files.ts';
import { decodeLine, LINE_MAX_BYTES, NEWLINE, type JournalEntry } from './journal-line.ts';
import { damaged, segmentPath, writeAnchor } from './journal-scan.ts';

const MARK_EVERY_BYTES = 64 * 1024;
const READ_BYTES = 4 * 1024;

export interface Segment {
  readonly path: string;
  readonly firstOffset: number;
  /** Where the segment starts in the byte stream of all segments since this process opened the journal. */
  readonly base: number;
  size: number;
  firstAt: number;
  lastAt: number;
  lastOffset: number;
  lastHash: string;
  /** Every 64 KiB, an offset and its byte in the segment: where a replay starts to read. */
  readonly marks: { readonly offset: number; readonly local: number }[];
}

export interface PlacedLine {
  readonly entry: JournalEntry;
  readonly hash: string;
  readonly length: number;
}

export function emptySegment(folder: string, firstOffset: number, base: number, lastHash: string): Segment {
  return { path: segmentPath(folder, firstOffset), firstOffset, base, size: 0, firstAt: 0, lastAt: 0, lastOffset: firstOffset - 1, lastHash, marks: [] };
}

/** Takes a durable line into the segment's account. */
export function countLine(segment: Segment, line: PlacedLine): void {
  const lastMark = segment.marks.at(-1);
  if (lastMark === undefined || segment.size - lastMark.local >= MARK_EVERY_BYTES) segment.marks.push({ offset: line.entry.offset, local: segment.size });
  if (segment.size === 0) segment.firstAt = line.entry.at;
  segment.size += line.length;
  segment.lastAt = Math.max(segment.lastAt, line.entry.at);
  segment.lastOffset = line.entry.offset;
  segment.lastHash = line.hash;
}

/** The journal's files: the last one is written, all are read; positions run through all of them. */
export class JournalSegments {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly #segments: Segment[];
  #file: JournalFile;

  private constructor(files: JournalFiles, folder: string, segments: Segment[], file: JournalFile) {
    this.files = files;
    this.folder = folder;
    this.#segments = segments;
    this.#file = file;
  }

  /** `segments` as recovered, at least one; the last is open for writing from then on. */
  static async open(files: JournalFiles, folder: string, segments: Segment[], isNew: boolean): Promise<JournalSegments> {
    const file = await files.open(last(segments).path, isNew ? 'create' : 'write');
    await files.syncFolder(folder);
    return new JournalSegments(files, folder, segments, file);
  }

  get active(): Segment {
    return last(this.#segments);
  }

  /** End of what is durable. */
  get end(): number {
    return this.active.base + this.active.size;
  }

  get first(): Segment {
    return this.#segments[0] ?? this.active;
  }

  get count(): number {
    return this.#segments.length;
  }

  /** Writes and syncs lines behind the last durable one. Once this rejects, `repair` is due before the next write. */
  async append(bytes: Buffer, lines: readonly PlacedLine[]): Promise<void> {
    await writeFully(this.#file, bytes, this.active.size);
    await this.#file.datasync();
    for (const line of lines) countLine(this.active, line);
  }

  async rotate(): Promise<void> {
    const { active } = this;
    const next = emptySegment(this.folder, active.lastOffset + 1, active.base + active.size, active.lastHash);
    // A file of that name can only be the empty one of a rotation that failed half-way.
    if ((await this.files.list(this.folder)).some((name) => next.path.endsWith(name))) await this.files.delete(next.path);
    const file = await this.files.open(next.path, 'create');
    try {
      await this.files.syncFolder(this.folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    const full = this.#file;
    this.#file = file;
    this.#segments.push(next);
    await full.close();
  }

  /**
   * After a failed write or sync: what the page cache holds proves nothing any more. Opens the file anew, cuts it back
   * to the last durable line, syncs that, and reads that line back.
   */
  async repair(): Promise<void> {
    const { active } = this;
    const file = await this.files.open(active.path, 'write');
    try {
      if ((await file.size()) < active.size) throw damaged(active.path, active.size, 'is missing');
      await file.truncate(active.size);
      await file.datasync();
      const mark = active.marks.at(-1);
      if (mark !== undefined) await this.#verifyFrom(file, mark.local);
    } catch (error) {
      await file.close();
      throw error;
    }
    const doubted = this.#file;
    this.#file = file;
    // Its own close may report the failure once more.
    await doubted.close().catch(() => {});
  }

  async #verifyFrom(file: JournalFile, from: number): Promise<void> {
    const { active } = this;
    const bytes = Buffer.alloc(active.size - from);
    for (let done = 0; done < bytes.length;) {
      const read = await file.read(bytes.subarray(done), from + done);
      if (read === 0) throw damaged(active.path, from + done, 'is missing');
      done += read;
    }
    let hash = '';
    for (let start = 0, end = bytes.indexOf(NEWLINE); end >= 0; start = end + 1, end = bytes.indexOf(NEWLINE, start)) {
      const decoded = decodeLine(bytes.subarray(start, end));
      if (!decoded.ok) throw damaged(active.path, from + start, decoded.why);
      hash = decoded.hash;
    }
    if (hash !== active.lastHash) throw damaged(active.path, active.size, 'is not the last one that was written');
  }

  /** Deletes the oldest segment; the anchor that vouches for the chain is durable first, then nothing may point there. */
  async deleteFirst(onForgotten: () => void): Promise<void> {
    const { first } = this;
    await writeAnchor(this.files, this.folder, { offset: first.lastOffset, hash: first.lastHash });
    onForgotten();
    this.#segments.shift();
    await this.files.delete(first.path);
    await this.files.syncFolder(this.folder);
  }

  /** The segment that holds the byte at `position`, or the oldest one left when that was deleted. */
  at(position: number): Segment {
    return this.#segments.findLast((segment) => segment.base <= position) ?? this.first;
  }

  /** A position at or before the line with `offset`, close to it. */
  positionNear(offset: number): number {
    const segment = this.#segments.findLast(({ firstOffset }) => firstOffset <= offset) ?? this.first;
    const mark = segment.marks.findLast((candidate) => candidate.offset <= offset);
    return segment.base + (mark?.local ?? 0);
  }

  /** The entry at `position`, verified. */
  async read(position: number): Promise<JournalEntry> {
    const segment = this.at(position);
    if (position < segment.base || position >= this.end) throw new Unavailable('The entry is not in the journal any more: ask again');
    const file = await this.files.open(segment.path, 'read');
    try {
      return await readEntry(file, segment, position - segment.base);
    } finally {
      await file.close();
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readEntry(file: JournalFile, segment: Segment, local: number): Promise<JournalEntry> {
  for (let size = READ_BYTES; size <= LINE_MAX_BYTES * 2; size *= 4) {
    const bytes = Buffer.alloc(size);
    const line = bytes.subarray(0, await file.read(bytes, local));
    const end = line.indexOf(NEWLINE);
    if (end < 0) continue;
    const decoded = decodeLine(line.subarray(0, end));
    if (!decoded.ok) throw damaged(segment.path, local, decoded.why);
    return decoded.entry;
  }
  throw damaged(segment.path, local, 'has no end');
}

function last(segments: readonly Segment[]): Segment {
  const segment = segments.at(-1);
  if (segment === undefined) throw new Internal('A journal has at least one segment');
  return segment;
}
