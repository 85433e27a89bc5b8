import type { JournalSegments } from './journal-segments.ts';
import type { OnNotice } from './notice.ts';

export interface Retained {
  /** Whether nothing that began before `end` is still needed, all of it being over since before `cutoffMs` (wall clock). */
  isOver(end: number, cutoffMs: number): boolean;
  /** Nothing before `end` can be read any more. */
  forget(end: number): void;
}

/** Deletes from the oldest on what is over and old enough; never the segment being written. */
export async function retainSegments(segments: JournalSegments, cutoffMs: number, onNotice: OnNotice, kept: Retained): Promise<void> {
  while (segments.count > 1) {
    const { first } = segments;
    const end = first.base + first.size;
    if (first.lastAt >= cutoffMs || !kept.isOver(end, cutoffMs)) return;
    try {
      await segments.deleteFirst(() => kept.forget(end));
    } catch (error) {
      // What could not be deleted is kept, and tried again after the next write.
      onNotice({ kind: 'journal_failed', detail: `An old journal file was not deleted: ${String(error)}`, fields: { file: first.path } });
      return;
    }
    onNotice({ kind: 'segment_deleted', detail: 'A journal file of what is over and old was deleted', fields: { file: first.path } });
  }
}
