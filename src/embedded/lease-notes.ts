import { closeSync, fstatSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Holder, LeaseContext } from '../ports/lease-store.ts';

const COMPACT_ABOVE_LINES = 4_096;
const SUFFIX = '.jsonl';

type NoteLine = { readonly session: SessionId; readonly context: LeaseContext | null };

/**
 * One holder's lease contexts on disk, a line each, written but not synced: they outlive a kill of the process, not a
 * power cut, and cost no fsync. Written synchronously, so a note stands before the answer it speaks for (I6).
 */
export class LeaseNotes {
  readonly #path: string;
  readonly #holder: Holder;
  #file: number;
  #lines = 0;

  constructor(folder: string, holder: Holder) {
    this.#path = join(folder, `${encodeURIComponent(holder.incarnation)}${SUFFIX}`);
    this.#holder = holder;
    this.#file = openSync(this.#path, 'a', 0o600);
    if (fstatSync(this.#file).size === 0) this.#write(header(holder));
  }

  /**
   * Notes a session's context, or with null that it is over; `live` are all contexts after this change.
   * @throws Unavailable when it could not be written
   */
  note(session: SessionId, context: LeaseContext | null, live: ReadonlyMap<SessionId, LeaseContext>): void {
    try {
      this.#write(noteLine(session, context));
      if (this.#lines > Math.max(COMPACT_ABOVE_LINES, live.size * 4)) this.#compact(live);
    } catch (error) {
      throw new Unavailable(`The counts of session ${session} could not be noted in ${this.#path}: free space on the disk`, {}, { cause: error });
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Closes and deletes: none of the holder's sessions is left. */
  delete(): void {
    closeSync(this.#file);
    unlinkSync(this.#path);
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    // A short write leaves a torn line; every line starts with a newline, so the next one is whole again.
    if (writeSync(this.#file, bytes) !== bytes.length) throw new Error('short write');
    this.#lines += 1;
  }

  #compact(live: ReadonlyMap<SessionId, LeaseContext>): void {
    const draft = `${this.#path}.new`;
    writeFileSync(draft, header(this.#holder) + [...live].map(([session, context]) => noteLine(session, context)).join(''), { mode: 0o600 });
    const compacted = openSync(draft, 'a');
    renameSync(draft, this.#path);
    closeSync(this.#file);
    this.#file = compacted;
    this.#lines = live.size;
  }
}

/** What the notes of one holder say; a torn or foreign line is passed over, the session's line before it stands. */
export interface NotedLeases {
  readonly holder: Holder;
  readonly contexts: Map<SessionId, LeaseContext>;
}

export function readNotes(folder: string): NotedLeases[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const noted = name.endsWith(SUFFIX) ? parseNotes(readFileSync(path, 'utf8')) : undefined;
    // A draft, or killed before its first line: nothing was ever promised on it.
    if (noted === undefined) unlinkSync(path);
    return noted === undefined ? [] : [noted];
  });
}

function parseNotes(text: string): NotedLeases | undefined {
  let holder: Holder | undefined;
  const contexts = new Map<SessionId, LeaseContext>();
  for (const line of text.split('\n')) {
    const value = parseLine(line);
    if (value === undefined) continue;
    if ('node' in value) holder ??= { node: value.node, incarnation: value.incarnation };
    else if (value.context === null) contexts.delete(value.session);
    else contexts.set(value.session, value.context);
  }
  return holder === undefined ? undefined : { holder, contexts };
}

function parseLine(line: string): Holder | NoteLine | undefined {
  if (line === '') return undefined;
  try {
    const value = JSON.parse(line) as Partial<Holder & NoteLine> | null;
    if (typeof value?.node === 'string' && typeof value.incarnation === 'string') return { node: value.node, incarnation: value.incarnation };
    if (typeof value?.session !== 'string' || value.context === undefined) return undefined;
    return { session: value.session, context: value.context };
  } catch {
    return undefined;
  }
}

function header(holder: Holder): string {
  return `\n${JSON.stringify({ v: 1, node: holder.node, incarnation: holder.incarnation })}`;
}

function noteLine(session: SessionId, context: LeaseContext | null): string {
  return `\n${JSON.stringify({ session, context } satisfies NoteLine)}`;
}
