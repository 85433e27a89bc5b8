import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { joinedSignal } from '../../actors/joined-signal.ts';

const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;

it.each([0, 1])('aborts with source %i, for its reason, and lets go of both', (which) => {
  const sources = [new AbortController(), new AbortController()];
  const { signal } = joinedSignal(sources.map((source) => source.signal));
  expect(signal.aborted).toBe(false);
  sources[which]?.abort('why');
  sources[1 - which]?.abort('too late');
  expect(signal.reason).toBe('why');
  expect(sources.map(listeners)).toEqual([0, 0]);
});

it('is aborted from the start by a source that is', () => {
  const source = new AbortController();
  const { signal } = joinedSignal([source.signal, AbortSignal.abort('before')]);
  expect([signal.aborted, signal.reason]).toEqual([true, 'before']);
  expect(listeners(source)).toBe(0);
});

it('follows nothing once released, and leaves nothing behind', () => {
  const source = new AbortController();
  const { signal, release } = joinedSignal([source.signal]);
  release();
  source.abort();
  expect(signal.aborted).toBe(false);
  expect(listeners(source)).toBe(0);
});
