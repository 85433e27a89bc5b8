import { createHash } from 'node:crypto';
import type { NameScope } from './sql-names.ts';

const ENTRIES_MAX = 256;
/** Longer statements are judged anew each time, so that the cache holds at most a few MiB. */
const QUERY_MAX_CHARS = 16 * 1024;
const PHYSICAL_ID = /__eph_/i;

/** Verdicts by text and by what the text may mean; the least recently used goes first. Refusals are not kept. */
export class VerdictCache<T> {
  private readonly entries = new Map<string, T>();

  /** undefined when the statement is not worth keeping. */
  static key(query: string, scope: NameScope): string | undefined {
    if (typeof query !== 'string' || query.length > QUERY_MAX_CHARS) return undefined;
    // Only physical ids are a session's own: what else a text means is the same in every session with these tables.
    const session = PHYSICAL_ID.test(query) ? scope.session : null;
    const meaning = JSON.stringify([query, session, scope.table ?? null, [...scope.tables].sort()]);
    return createHash('sha256').update(meaning).digest('base64');
  }

  get(key: string | undefined): T | undefined {
    const found = key === undefined ? undefined : this.entries.get(key);
    if (key !== undefined && found !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, found);
    }
    return found;
  }

  set(key: string | undefined, value: T): void {
    if (key === undefined) return;
    this.entries.set(key, value);
    if (this.entries.size > ENTRIES_MAX) this.entries.delete(this.entries.keys().next().value as string);
  }
}
