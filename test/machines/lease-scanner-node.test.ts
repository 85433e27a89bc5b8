import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { leaseMachine } from '../../machines/lease-machine.ts';
import { nodeMachine } from '../../machines/node-machine.ts';
import { scannerMachine, untilNextScanMs, watch } from '../../machines/scanner-machine.ts';
import type { Reading, ScannerContext } from '../../machines/scanner-machine.ts';
import { explore, unreached } from './walk.ts';
import type { Outcomes } from './walk.ts';

const beat = (ageMs: number, hasLapsed = false) => ({ ageMs, hasLapsed, window: { untilMs: 0, offsetMs: 0 }, previousSeen: true, revoked: [] });
const holder = { node: 'n', incarnation: 'i' };

function covers(
  machine: AnyStateMachine,
  input: unknown,
  outside: readonly { type: string }[],
  outcomes: Outcomes,
  keyOf: (snapshot: AnyMachineSnapshot) => unknown,
): void {
  expect(unreached(machine, explore(machine, [input], outside, outcomes, keyOf))).toEqual([]);
}

describe('the lease machine', () => {
  it('reaches every state and every transition', () => {
    const outside = [
      { type: 'RELEASE' },
      { type: 'DRIFTED' },
      { type: 'CHANGED' },
      { type: 'BEAT', beat: beat(1) },
      { type: 'BEAT', beat: beat(1, true) },
      { type: 'BEAT', beat: beat(9_999) },
    ];
    covers(
      leaseMachine,
      { heartbeatMs: 100, fenceMs: 300, claimMs: 900 },
      outside,
      { beat: [{ output: beat(1) }, { output: beat(999) }, undefined] },
      () => null,
    );
  });
});

describe('the node machine', () => {
  it('reaches every state and every transition', () => {
    const outside = [{ type: 'FENCED' }, { type: 'RESTORED' }, { type: 'DRAIN' }, { type: 'HASTEN' }];
    const either = [{ output: undefined }, undefined];
    covers(
      nodeMachine,
      undefined,
      outside,
      { start: either, recover: either, awaitSessions: either, closeSessions: either, stop: either },
      ({ context }) => (context as { drainAsked: boolean }).drainAsked,
    );
  });
});

describe('the scanner machine', () => {
  const input = { scanMs: 100, claimMs: 300, scansPerSweep: 2 };

  it('reaches every state and every transition', () => {
    const reading = (atMs: number) => ({ output: { atMs, holders: [{ holder, counter: 1 }] } });
    const either = [{ output: undefined }, undefined];
    covers(
      scannerMachine,
      input,
      [{ type: 'NUDGED' }, { type: 'LOOKED' }, { type: 'STOP' }],
      {
        readHolders: [reading(0), reading(100), reading(200), reading(350), reading(500), undefined],
        adoptOrphans: either,
        sweepLog: either,
      },
      ({ context }) => [
        (context as ScannerContext).gone.length,
        (context as ScannerContext).scans % 2,
        (context as ScannerContext).lastReadMs,
        (context as ScannerContext).watched[0]?.unmovedSinceMs,
      ],
    );
  });

  it('calls a holder gone only after a whole window of gap-free reads of an unmoved counter', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ waitMs: fc.integer({ min: 1, max: 600 }), moves: fc.boolean() }), { minLength: 1, maxLength: 40 }), (reads) => {
        let context = { ...input, watched: [], lastReadMs: null, gone: [], scans: 0, failures: 0 } as ScannerContext;
        let atMs = 0;
        let counter = 0;
        let stillSinceMs = 0;
        for (const { waitMs, moves } of reads) {
          atMs += waitMs;
          if (moves) counter += 1;
          if (moves || waitMs > input.scanMs * 4 || context.lastReadMs === null) stillSinceMs = atMs;
          context = { ...context, ...watch(context, { atMs, holders: [{ holder, counter }] }) };
          expect(context.gone.length > 0).toBe(atMs - stillSinceMs >= input.claimMs);
        }
      }),
    );
  });

  it('looks again when the first window is whole, and once an interval at least', () => {
    const seen = (unmovedSinceMs: number) => ({ holder, counter: 1, unmovedSinceMs });
    const after = (lastReadMs: number | null, ...watched: number[]) =>
      untilNextScanMs({ ...input, watched: watched.map(seen), lastReadMs, gone: [], scans: 1, failures: 0 });
    expect(after(null, 0)).toBe(100);
    expect(after(150, 0, 120)).toBe(100);
    expect(after(230, 0, 120)).toBe(70);
    expect(after(300, 0, 120)).toBe(100);
    expect(after(380, 0, 120)).toBe(40);
  });

  it('goes on looking while it ends what others left, and sweeps all the same', () => {
    const reading = (atMs: number): Reading => ({ atMs, holders: [{ holder, counter: 1 }] });
    let [snapshot] = initialTransition(scannerMachine, input);
    const looked = (atMs: number): void => {
      const scanning = snapshot.matches({ watching: { holders: 'scanning' } });
      if (!scanning) [snapshot] = transition(scannerMachine, snapshot, { type: 'NUDGED' });
      const [next] = transition(scannerMachine, snapshot, {
        type: 'xstate.done.actor.0.scanner.watching.holders.scanning',
        output: reading(atMs),
      } as never);
      snapshot = next;
    };
    for (const atMs of [0, 100, 200, 300]) looked(atMs);
    expect(snapshot.value).toEqual({ watching: { holders: 'waiting', orphans: 'adopting', log: 'sweeping' } });
    looked(400);
    expect(snapshot.context.watched).toEqual([{ holder, counter: 1, unmovedSinceMs: 0 }]);
    expect(snapshot.context.lastReadMs).toBe(400);
  });
});
