import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { JournalLifecycleLog, type JournalOptions } from '../../src/embedded/lifecycle-log.ts';
import type { EmbeddedNotice } from '../../src/embedded/notice.ts';

/** A folder of this test alone. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The system's clock, which can be set forward: both of them, or the wall clock alone. */
export class ShiftedClock extends SystemClock {
  aheadMs = 0;
  wallAheadMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.aheadMs + this.wallAheadMs;
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.aheadMs;
  }
}

export async function openJournal(folder: string, options: Partial<JournalOptions> = {}): Promise<{ log: JournalLifecycleLog; notices: EmbeddedNotice[] }> {
  const notices: EmbeddedNotice[] = [];
  const log = await JournalLifecycleLog.open(folder, { clock: new SystemClock(), onNotice: (notice) => notices.push(notice), ...options });
  return { log, notices };
}
