import { writeSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';

/** One open file of the journal. */
export interface JournalFile {
  /** Reads up to `bytes.length` bytes at `position`; 0 at the end. */
  read(bytes: Buffer, position: number): Promise<number>;
  /** May write fewer bytes than given, like the system call. */
  write(bytes: Buffer, position: number): Promise<number>;
  datasync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What the journal asks of the file system: injected, so that tests count calls and make any of them fail. */
export interface JournalFiles {
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<JournalFile>;
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** Undefined when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Replaces the file in one step, durable once resolved. */
  replace(folder: string, name: string, text: string): Promise<void>;
  delete(path: string): Promise<void>;
  /** Makes created and deleted names durable. */
  syncFolder(folder: string): Promise<void>;
}

const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const;

/** The real file system. */
export const systemJournalFiles: JournalFiles = {
  open: async (path, mode) => {
    const handle = await open(path, FLAGS[mode], 0o600);
    return {
      read: async (bytes, position) => (await handle.read(bytes, 0, bytes.length, position)).bytesRead,
      // At once: it copies into the page cache, and the way over a thread costs many times that. What waits for the disk is the sync.
      write: async (bytes, position) => writeSync(handle.fd, bytes, 0, bytes.length, position),
      datasync: () => handle.datasync(),
      truncate: (size) => handle.truncate(size),
      size: async () => (await handle.stat()).size,
      close: () => handle.close(),
    };
  },
  list: (folder) => readdir(folder),
  makeFolder: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  },
  readText: async (path) => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  replace: async (folder, name, text) => {
    const draft = join(folder, `${name}.new`);
    const handle = await open(draft, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, join(folder, name));
    await systemJournalFiles.syncFolder(folder);
  },
  delete: (path) => unlink(path),
  syncFolder: async (folder) => {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** The same files, with every sync's duration told, in seconds. */
export function timedJournalFiles(clock: Clock, onSync: (seconds: number) => void): JournalFiles {
  return {
    ...systemJournalFiles,
    open: async (path, mode) => {
      const file = await systemJournalFiles.open(path, mode);
      return {
        ...file,
        datasync: async () => {
          const beganMs = clock.monotonicMs();
          await file.datasync();
          onSync((clock.monotonicMs() - beganMs) / 1_000);
        },
      };
    },
  };
}

/** Writes all of it, however the system cuts it up. */
export async function writeFully(file: JournalFile, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const written = await file.write(bytes.subarray(done), position + done);
    if (written <= 0) throw new Error('the file system took no bytes');
    done += written;
  }
}
