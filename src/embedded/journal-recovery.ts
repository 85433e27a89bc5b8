import { writeFully, type JournalFiles } from './journal-files.ts';
import { JournalIndex } from './journal-index.ts';
import { countLine, emptySegment, JournalSegments, type Segment } from './journal-segments.ts';
import { damaged, listSegments, readAnchor, scanSegments, type Anchor, type ScannedLine, type TornTail } from './journal-scan.ts';
import type { OnNotice } from './notice.ts';

export interface RecoveredJournal {
  readonly segments: JournalSegments;
  readonly index: JournalIndex;
}

/**
 * Opens a journal folder: verifies every line, rebuilds the index, repairs a torn end.
 * @throws Internal (`file`, `position`) when it is damaged anywhere else
 */
export async function recoverJournal(files: JournalFiles, folder: string, onNotice: OnNotice): Promise<RecoveredJournal> {
  await files.makeFolder(folder);
  const anchor = await readAnchor(files, folder);
  const names = await listSegments(files, folder);
  const stale = names.filter(({ firstOffset }) => firstOffset <= anchor.offset);
  // Retention was cut off between its anchor and the deletion.
  for (const { path } of stale) await files.delete(path);
  const kept = names.slice(stale.length);
  const index = new JournalIndex();
  const segments: Segment[] = [];
  let before = anchor;
  const open = (firstOffset: number): Segment => {
    const previous = segments.at(-1);
    const segment = emptySegment(folder, firstOffset, previous === undefined ? 0 : previous.base + previous.size, before.hash);
    segments.push(segment);
    return segment;
  };
  const take = (line: ScannedLine): void => {
    let segment = segments.at(-1);
    while (segment?.firstOffset !== line.segment.firstOffset) segment = open(kept[segments.length]?.firstOffset ?? line.segment.firstOffset);
    indexLine(index, line, segment.base + line.position, anchor);
    countLine(segment, line);
    before = { offset: line.entry.offset, hash: line.hash };
  };
  const scan = scanSegments(files, kept, anchor);
  let step = await scan.next();
  for (; step.done !== true; step = await scan.next()) take(step.value);
  const isNew = kept.length === 0;
  if (isNew) open(anchor.offset + 1);
  while (segments.length < kept.length) open(kept[segments.length]?.firstOffset ?? before.offset + 1);
  if (step.value !== undefined) {
    await repairTail(files, step.value, onNotice);
    // A whole line that lacked its newline stands now: read again, with it.
    if (step.value.lacksNewline) return recoverJournal(files, folder, onNotice);
  }
  return { segments: await JournalSegments.open(files, folder, segments, isNew), index };
}

function indexLine(index: JournalIndex, line: ScannedLine, position: number, anchor: Anchor): void {
  const { entry } = line;
  if (entry.kind === 'record') {
    const length = index.get(entry.record.tenant_id, entry.record.session_id)?.positions.length ?? 0;
    // The rest of a session whose beginning went by retention: its chain is no longer kept.
    if (length === 0 && entry.n > 0 && anchor.offset > 0) return;
    if (entry.n !== length) throw damaged(line.segment.path, line.position, `is record ${entry.n} of a chain of ${length}`);
  }
  index.apply(entry, position);
}

async function repairTail(files: JournalFiles, torn: TornTail, onNotice: OnNotice): Promise<void> {
  const { segment, goodBytes, tornBytes, lacksNewline } = torn;
  const file = await files.open(segment.path, 'write');
  try {
    if (lacksNewline) await writeFully(file, Buffer.from('\n'), goodBytes + tornBytes);
    else await file.truncate(goodBytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  const what = lacksNewline ? 'completed a last line that lacked its newline' : `cut off ${tornBytes} bytes of a write that never finished`;
  onNotice({ kind: 'journal_torn', detail: `The journal was repaired: ${what}`, fields: { file: segment.path, position: goodBytes, bytes: tornBytes } });
}
