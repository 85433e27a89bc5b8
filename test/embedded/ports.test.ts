import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedClaimLock } from '../../src/embedded/claim-lock.ts';
import { EmbeddedLeaseStore } from '../../src/embedded/lease-store.ts';
import { claimLockConforms } from '../conformance/claim-lock.ts';
import { leaseStoreConforms } from '../conformance/lease-store.ts';
import { lifecycleLogConforms } from '../conformance/lifecycle-log.ts';
import { openJournal, scratchFolder, ShiftedClock } from './scratch.ts';

lifecycleLogConforms('in a journal', async () => (await openJournal(scratchFolder())).log);
lifecycleLogConforms('in a journal of tiny segments', async () => (await openJournal(scratchFolder(), { segmentBytes: 600 })).log);

leaseStoreConforms('in memory', async () => {
  const folder = join(scratchFolder(), 'notes');
  mkdirSync(folder);
  return EmbeddedLeaseStore.open(folder, () => {});
});

claimLockConforms('in memory', async () => {
  const clock = new ShiftedClock();
  return {
    lock: new EmbeddedClaimLock(clock),
    nowMs: () => clock.monotonicMs(),
    pass: async (ms) => {
      clock.aheadMs += ms;
    },
  };
});
