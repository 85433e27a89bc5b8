import { writeFully, type JournalFiles } from './journal-files.ts';
import type { JournalLedger } from './journal-index.ts';
import { countLine, emptySegment, JournalSegments, type Segment } from './journal-segments.ts';
import { damaged, listSegments, readAnchor, scanSegments, type ScannedLine, type TornTail } from './journal-scan.ts';
import type { OnNotice } from './notice.ts';

export interface RecoveredJournal<Ledger> {
  readonly segments: JournalSegments;
  readonly ledger: Ledger;
}

/**
 * Opens a journal folder: verifies every line, rebuilds the ledger, repairs a torn end.
 * @throws Internal (`file`, `position`) when it is damaged anywhere else
 */
export async function recoverJournal<Ledger extends JournalLedger>(
  files: JournalFiles,
  folder: string,
  newLedger: () => Ledger,
  onNotice: OnNotice,
): Promise<RecoveredJournal<Ledger>> {
  await files.makeFolder(folder);
  const anchor = await readAnchor(files, folder);
  const names = await listSegments(files, folder);
  const stale = names.filter(({ firstOffset }) => firstOffset <= anchor.offset);
  // Retention was cut off between its anchor and the deletion.
  for (const { path } of stale) await files.delete(path);
  const kept = names.slice(stale.length);
  const ledger = newLedger();
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
    const wrong = ledger.restore(line.entry, segment.base + line.position, anchor);
    if (wrong !== undefined) throw damaged(line.segment.path, line.position, wrong);
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
    if (step.value.lacksNewline) return recoverJournal(files, folder, newLedger, onNotice);
  }
  return { segments: await JournalSegments.open(files, folder, segments, isNew), ledger };
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
