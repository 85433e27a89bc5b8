import type { JournalFile } from './journal-files.ts';
import { LINE_MAX_BYTES, NEWLINE, offsetOf } from './journal-line.ts';
import { damaged } from './journal-scan.ts';
import type { JournalSegments, Segment } from './journal-segments.ts';

const CHUNK_BYTES = 64 * 1024;

/** Wakes followers when there is more to read. */
export class CommitSignal {
  readonly #waiting = new Set<() => void>();
  #closed = false;

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves at the next commit, at the close, or when aborted. */
  next(signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  close(): void {
    this.#closed = true;
    this.wake();
  }
}

export interface LineRequest {
  /** First offset wanted. */
  readonly from: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * Durable lines from an offset on, gap-free from replay to live. A follower holds one chunk and a position, never a
 * queue: a slow one reads from the file later what a fast one reads now.
 */
export async function* readLines(segments: JournalSegments, commits: CommitSignal, request: LineRequest): AsyncGenerator<Buffer> {
  const { from, follow, signal } = request;
  const cursor = new Cursor(segments);
  let position = segments.positionNear(from);
  let end = segments.end;
  try {
    for (;;) {
      while (position < end) {
        const chunk = await cursor.readLinesAt(position, end);
        position = chunk.next;
        for (const line of chunk.lines) {
          if (signal.aborted) return;
          if (offsetOf(line) >= from) yield line;
        }
        if (signal.aborted) return;
      }
      if (!follow || signal.aborted) return;
      if (position >= segments.end) {
        if (commits.isClosed) return;
        await commits.next(signal);
      }
      end = segments.end;
    }
  } finally {
    await cursor.close();
  }
}

/** An open file and where it stands; goes on in the next segment at the end of one. */
class Cursor {
  readonly #segments: JournalSegments;
  #segment: Segment | undefined;
  #file: JournalFile | undefined;

  constructor(segments: JournalSegments) {
    this.#segments = segments;
  }

  /** Whole lines from `position` on, not past `end`; at the oldest line left when retention deleted that place. */
  async readLinesAt(position: number, end: number): Promise<{ lines: Buffer[]; next: number }> {
    const { segment, file } = await this.#enter(position);
    const start = Math.max(position, segment.base);
    const left = Math.min(end, segment.base + segment.size) - start;
    for (let size = Math.min(CHUNK_BYTES, left); ; size = Math.min(size * 4, left)) {
      const bytes = Buffer.allocUnsafe(size);
      const read = await file.read(bytes, start - segment.base);
      const lines = split(bytes.subarray(0, read));
      if (lines.length > 0) return { lines, next: start + lines.reduce((sum, line) => sum + line.length + 1, 0) };
      if (size >= left || size > LINE_MAX_BYTES) throw damaged(segment.path, start - segment.base, 'has no end');
    }
  }

  async #enter(position: number): Promise<{ segment: Segment; file: JournalFile }> {
    const current = this.#segment;
    if (current !== undefined && this.#file !== undefined && position >= current.base && position < current.base + current.size) {
      return { segment: current, file: this.#file };
    }
    await this.close();
    for (;;) {
      const segment = this.#segments.at(position);
      try {
        this.#file = await this.#segments.files.open(segment.path, 'read');
        this.#segment = segment;
        return { segment, file: this.#file };
      } catch (error) {
        // Retention may delete it between the look and the opening; then an older one is gone and the next is asked.
        if (this.#segments.at(position) === segment) throw error;
      }
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#segment = undefined;
    await file?.close();
  }
}

function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0, end = bytes.indexOf(NEWLINE); end >= 0; start = end + 1, end = bytes.indexOf(NEWLINE, start)) lines.push(bytes.subarray(start, end));
  return lines;
}
