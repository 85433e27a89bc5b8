import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { leaseMachine } from '../../machines/lease-machine.ts';
import { nodeMachine } from '../../machines/node-machine.ts';
import { scannerMachine, watch } from '../../machines/scanner-machine.ts';
import type { ScannerContext } from '../../machines/scanner-machine.ts';
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
      [{ type: 'NUDGED' }, { type: 'STOP' }],
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
});
