import type { DropReceipt } from '../ports/table-engine.ts';

/** The receipt of a session for which no worker ever made anything. */
export const NOTHING_HELD: Omit<DropReceipt, 'token'> = {
  dropped: [],
  counted: 'exact',
  surviving: [],
  erasure: { memory: 'none', spill: 'none', journal: 'no_row_data' },
};
