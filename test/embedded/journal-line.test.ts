import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine, encodeLine, offsetOf, type JournalEntry } from '../../src/embedded/journal-line.ts';
import { acme, decisionOf, newHolder, newSession, recordOf } from '../conformance/samples.ts';

const previous = 'ab'.repeat(32);

const entries: fc.Arbitrary<JournalEntry> = fc
  .record({
    offset: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    at: fc.nat(),
    n: fc.nat(9),
    text: fc.string({ unit: 'binary', maxLength: 40 }),
    isRecord: fc.boolean(),
  })
  .map(({ offset, at, n, text, isRecord }) =>
    isRecord
      ? { offset, at, previous, kind: 'record', n, by: { node: text, incarnation: text }, record: { ...recordOf(newSession(), 'closed'), occurred_at: text } }
      : { offset, at, previous, kind: 'decision', decision: decisionOf(newSession(), 'idle', text, acme) },
  );

describe('a journal line', () => {
  it('gives back what was written, on one line whatever the texts hold', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const { bytes, hash } = encodeLine(entry);
        expect(bytes.indexOf('\n')).toBe(bytes.length - 1);
        const line = bytes.subarray(0, -1);
        expect(decodeLine(line)).toEqual({ ok: true, entry: JSON.parse(JSON.stringify(entry)) as unknown, hash });
        expect(offsetOf(line)).toBe(entry.offset);
      }),
    );
  });

  it('is refused, never thrown at, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => !decodeLine(Buffer.from(bytes)).ok),
      { numRuns: 2_000 },
    );
  });

  it('is refused when any one byte changed, or any were cut off', () => {
    const entry: JournalEntry = { offset: 7, at: 1, previous, kind: 'record', n: 0, by: newHolder(), record: recordOf(newSession(), 'opened') };
    const line = encodeLine(entry).bytes.subarray(0, -1);
    for (let at = 0; at < line.length; at += 1) {
      const changed = Buffer.from(line);
      changed[at] = (line[at] ?? 0) ^ 1;
      expect(decodeLine(changed).ok, `byte ${at}`).toBe(false);
      expect(decodeLine(line.subarray(0, at)).ok, `cut at ${at}`).toBe(false);
    }
  });
});
