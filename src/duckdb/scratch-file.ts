import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MemoryLimitExceeded, PayloadTooLarge } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';

/** Where a session's files of rows may stand while a call is under way. */
export interface ScratchFolder {
  readonly directory: string;
  /** The most one of them may hold. */
  readonly maxBytes: number;
}

const PIECE_BYTES = 262_144;
const LOOK_EVERY_MS = 50;

/** A file of rows that lives no longer than the call it is for. */
export class ScratchFile {
  readonly path: string;
  readonly #maxBytes: number;

  private constructor(path: string, maxBytes: number) {
    this.path = path;
    this.#maxBytes = maxBytes;
  }

  /** The file itself is made by whoever writes it first. */
  static async in({ directory, maxBytes }: ScratchFolder): Promise<ScratchFile> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new ScratchFile(join(directory, `${randomUUID()}.parquet`), maxBytes);
  }

  /** The path as an SQL literal. */
  get sql(): string {
    return `'${this.path.replaceAll("'", "''")}'`;
  }

  /** @throws PayloadTooLarge (`limit`), and what the body throws */
  async write(body: ByteStream): Promise<void> {
    const file = await open(this.path, 'wx', 0o600);
    let bytes = 0;
    try {
      for await (const piece of body) {
        bytes += piece.byteLength;
        if (bytes > this.#maxBytes) throw new PayloadTooLarge(`A Parquet body has at most ${this.#maxBytes} bytes`, { limit: this.#maxBytes });
        await file.write(piece);
      }
    } finally {
      await file.close();
    }
  }

  /** Waits for work that writes the file. @param stop called with the reason once the file is larger than it may be */
  async bounded<T>(work: Promise<T>, stop: (reason: MemoryLimitExceeded) => void): Promise<T> {
    const timer = setInterval(() => {
      void stat(this.path).then(
        ({ size }) => size > this.#maxBytes && stop(new MemoryLimitExceeded(`The rows take more than ${this.#maxBytes} bytes as Parquet`)),
        () => undefined,
      );
    }, LOOK_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }

  /** What was written. The name goes at once, and the bytes with the last of them that is read. */
  async *read(): AsyncGenerator<Uint8Array, void, void> {
    const file = await open(this.path, 'r');
    try {
      await this.remove();
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
