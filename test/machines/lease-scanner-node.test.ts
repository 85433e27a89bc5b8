import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { leaseMachine } from '../../machines/lease-machine.ts';
import { nodeMachine } from '../../machines/node-machine.ts';
import { scannerMachine, watch } from '../../machines/scanner-machine.ts';
import type { ScannerContext } from '../../machines/scanner-machine.ts';
import { everything, walk } from './walk.ts';
import type { Coverage, Outcomes } from './walk.ts';

const beat = (ageMs: number) => ({ ageMs, previousSeen: true, revoked: [] });
const holder = { node: 'n', incarnation: 'i' };

function covers(machine: AnyStateMachine, input: unknown, outside: readonly { type: string }[], outcomes: Outcomes): void {
  const coverage: Coverage = { states: new Set(), transitions: new Set() };
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (choices) => {
      let at = 0;
      walk(
        machine,
        input,
        40,
        (count) => (choices[at++ % choices.length] ?? 0) % count,
        outside,
        outcomes,
        () => undefined,
        coverage,
      );
    }),
    { numRuns: 1_500 },
  );
  const all = everything(machine);
  expect(all.states.filter((state) => !coverage.states.has(state))).toEqual([]);
  expect(all.transitions.filter((step) => !step.endsWith(' on ') && !coverage.transitions.has(step))).toEqual([]);
}

describe('the lease machine', () => {
  it('reaches every state and every transition', () => {
    const outside = [{ type: 'RELEASE' }, { type: 'BEAT', beat: beat(1) }, { type: 'BEAT', beat: beat(9_999) }];
    covers(leaseMachine, { heartbeatMs: 100, fenceMs: 300, claimMs: 900 }, outside, { beat: [{ output: beat(1) }, { output: beat(999) }, undefined] });
  });
});

describe('the node machine', () => {
  it('reaches every state and every transition', () => {
    const outside = [{ type: 'FENCED' }, { type: 'RESTORED' }, { type: 'DRAIN' }, { type: 'HASTEN' }];
    const either = [{ output: undefined }, undefined];
    covers(nodeMachine, undefined, outside, { start: either, recover: either, awaitSessions: either, closeSessions: either, stop: either });
  });
});

describe('the scanner machine', () => {
  const input = { scanMs: 100, claimMs: 300, scansPerSweep: 2 };

  it('reaches every state and every transition', () => {
    const reading = (atMs: number) => ({ output: { atMs, holders: [{ holder, counter: 1 }] } });
    const either = [{ output: undefined }, undefined];
    covers(scannerMachine, input, [{ type: 'NUDGED' }, { type: 'STOP' }], {
      readHolders: [reading(0), reading(100), reading(200), reading(350), reading(500), undefined],
      adoptOrphans: either,
      sweepLog: either,
    });
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
