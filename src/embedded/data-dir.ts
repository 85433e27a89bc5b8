import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidRequest, MayflyError } from '../domain/errors.ts';
import type { IdSource } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { OnNotice } from './notice.ts';
import { killLeftovers, ProcessLedger } from './process-ledger.ts';

export interface DataDirOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** The node's name; without one the folder keeps the name it was first given. */
  readonly nodeId?: string;
  readonly onNotice: OnNotice;
}

/** Runs remembered of a folder: more than any cluster still has leases of. */
const RUNS_MAX = 1_000;

/** A folder that this process alone uses, swept of what its predecessors left. */
export interface DataDir {
  /** Absolute. */
  readonly path: string;
  /** Where workers spill; emptied at every start. */
  readonly spillRoot: string;
  readonly journalFolder: string;
  /** The journal of what is published to a shared log. */
  readonly outboxFolder: string;
  readonly notesFolder: string;
  /** This run. */
  readonly holder: Holder;
  /** Whether it is an earlier run on this folder: dead for certain, and so are all its worker processes. */
  isPredecessor(holder: Holder): boolean;
  /** Notes a child process, right after it was started, so that the next run kills it if this one cannot. */
  recordProcess(pid: number): void;
  /** The child is known to be gone. */
  forgetProcess(pid: number): void;
  /** Lets go of the folder: the very last step of closing. */
  release(): Promise<void>;
}

/**
 * Opens the folder (made with mode 0700 if it is not there), locks it, and kills what is left of its predecessor.
 * @throws DataDirLocked (`data_dir`, `pid`) while another process holds it
 * @throws InvalidRequest (`field: "data_dir"`) when it cannot be made or written
 */
export async function openDataDir(path: string, options: DataDirOptions): Promise<DataDir> {
  const root = resolve(path);
  const folders = {
    spill: join(root, 'spill'),
    journal: join(root, 'journal'),
    outbox: join(root, 'outbox'),
    notes: join(root, 'notes'),
    processes: join(root, 'processes'),
  };
  let lock: DirectoryLock;
  let holder: Holder;
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const incarnation = options.ids.incarnation();
    holder = { node: await chooseNodeId(root, options, incarnation), incarnation };
    lock = await DirectoryLock.acquire(root, holder.node, incarnation);
  } catch (error) {
    if (error instanceof MayflyError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidRequest(`The data directory ${root} cannot be used: ${why}`, { field: 'data_dir' }, { cause: error });
  }
  try {
    await keepNodeId(root, holder);
    await Promise.all(Object.values(folders).map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
    await killLeftovers(folders.processes, options.clock, options.onNotice);
    // Only now: a worker still alive could go on writing.
    await rm(folders.spill, { recursive: true, force: true });
    await mkdir(folders.spill, { mode: 0o700 });
    const ledger = new ProcessLedger(folders.processes, holder.incarnation);
    const predecessors = await rememberRun(root, holder.incarnation, lock.predecessor?.incarnation);
    return {
      path: root,
      spillRoot: folders.spill,
      journalFolder: folders.journal,
      outboxFolder: folders.outbox,
      notesFolder: folders.notes,
      holder,
      isPredecessor: ({ incarnation }) => predecessors.has(incarnation),
      recordProcess: (pid) => ledger.record(pid),
      forgetProcess: (pid) => ledger.forget(pid),
      release: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function chooseNodeId(root: string, options: DataDirOptions, incarnation: string): Promise<string> {
  return options.nodeId ?? (await readNodeId(root)) ?? `node-${incarnation.slice(0, 8)}`;
}

async function readNodeId(root: string): Promise<string | undefined> {
  try {
    const { node } = JSON.parse(await readFile(join(root, 'node.json'), 'utf8')) as { node?: unknown };
    return typeof node === 'string' && node !== '' ? node : undefined;
  } catch {
    // Not there yet, or torn by a power cut: a node's name carries no promise, a new one does.
    return undefined;
  }
}

async function keepNodeId(root: string, holder: Holder): Promise<void> {
  const draft = join(root, 'node.json.new');
  await writeFile(draft, `${JSON.stringify({ node: holder.node })}\n`, { mode: 0o600 });
  await rename(draft, join(root, 'node.json'));
}

/** Earlier runs on the folder, the last `RUNS_MAX` of them; this one is added. */
async function rememberRun(root: string, incarnation: string, last: string | undefined): Promise<ReadonlySet<string>> {
  const path = join(root, 'runs');
  const earlier = [...new Set([...(await readRuns(path)), ...(last === undefined ? [] : [last])])];
  await writeFile(
    `${path}.new`,
    [...earlier, incarnation]
      .slice(-RUNS_MAX)
      .map((run) => `${run}\n`)
      .join(''),
    { mode: 0o600 },
  );
  await rename(`${path}.new`, path);
  return new Set(earlier);
}

async function readRuns(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((run) => run !== '');
  } catch {
    // A run that is not known here is proved dead by its life port, or waited for.
    return [];
  }
}
