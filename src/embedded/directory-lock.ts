import { link, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DataDirLocked, Internal } from '../domain/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

/** Who holds, or held, a data directory. */
export interface LockHolder extends ProcessIdentity {
  readonly node: string;
  readonly incarnation: string;
  /** Set when the holder let go on its own while its process lives on. */
  readonly released: boolean;
}

const ATTEMPTS_MAX = 100;
const NAME = /^lock\.(\d{1,15})$/;

/**
 * Exclusive hold on a folder that outlasts no process, however it dies. Holder is who made the highest `lock.<n>`;
 * n + 1 is made, with its content in one step (`link`), only after the holder of n was seen dead. A holder deletes
 * only files two and more below its own, so an observer of an old list can never mistake an old number for a free one.
 */
export class DirectoryLock {
  readonly #folder: string;
  readonly #generation: number;
  readonly #holder: LockHolder;
  readonly predecessor: LockHolder | undefined;

  private constructor(folder: string, generation: number, holder: LockHolder, predecessor: LockHolder | undefined) {
    this.#folder = folder;
    this.#generation = generation;
    this.#holder = holder;
    this.predecessor = predecessor;
  }

  /** @throws DataDirLocked with `data_dir` and `pid` while another holder lives */
  static async acquire(folder: string, node: string, incarnation: string): Promise<DirectoryLock> {
    const self = identify(process.pid);
    if (self === undefined) throw new Internal('This process cannot read its own start time, so the data directory cannot be locked');
    const holder: LockHolder = { ...self, node, incarnation, released: false };
    const draft = join(folder, `lock-draft.${incarnation}`);
    await writeSynced(draft, holder);
    try {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        const highest = Math.max(0, ...(await generations(folder)));
        const previous = highest === 0 ? undefined : await readHolder(folder, highest);
        if (previous === 'gone') continue;
        if (previous !== undefined && !previous.released && isAlive(previous)) throw locked(folder, previous);
        const own = highest + 1;
        if (!(await linked(draft, join(folder, `lock.${own}`)))) continue;
        const now = await generations(folder);
        if (Math.max(...now) !== own) {
          await unlink(join(folder, `lock.${own}`));
          continue;
        }
        await Promise.all(now.filter((n) => n < own - 1).map((n) => unlink(join(folder, `lock.${n}`))));
        return new DirectoryLock(folder, own, holder, previous);
      }
    } finally {
      await unlink(draft);
    }
    throw new DataDirLocked(`The data directory ${folder} is being opened by too many processes at once: give each its own`, { data_dir: folder });
  }

  /** Lets go while the process lives on; the file stays, so that numbers never run backwards. */
  async release(): Promise<void> {
    const draft = join(this.#folder, `lock-draft.${this.#holder.incarnation}`);
    await writeSynced(draft, { ...this.#holder, released: true });
    await rename(draft, join(this.#folder, `lock.${this.#generation}`));
  }
}

function locked(folder: string, holder: LockHolder): Error {
  return new DataDirLocked(`The data directory ${folder} is held by process ${holder.pid}: stop that process, or use another folder`, {
    data_dir: folder,
    pid: holder.pid,
  });
}

async function generations(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

async function readHolder(folder: string, generation: number): Promise<LockHolder | 'gone'> {
  const path = join(folder, `lock.${generation}`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'gone';
    throw error;
  }
  try {
    const holder = JSON.parse(text) as LockHolder;
    if (Number.isSafeInteger(holder.pid) && typeof holder.started === 'string') return holder;
  } catch {
    // Told below: what cannot be read proves nobody dead.
  }
  throw new DataDirLocked(`The lock file ${path} cannot be read: make sure that no process uses ${folder}, then delete the file`, { data_dir: folder });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function writeSynced(path: string, content: LockHolder): Promise<void> {
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(content)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
