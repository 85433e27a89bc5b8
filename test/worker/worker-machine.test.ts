import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { explore, unreached } from '../machines/walk.ts';
import { BACKOFF_MAX_MS, workerMachine, type WorkerEvent } from '../../machines/worker-machine.ts';

const input = { startTimeoutMs: 1_000, stopTimeoutMs: 2_000, idleMs: 3_000, failures: 0 };
const events: WorkerEvent[] = (['READY', 'EXIT', 'ASSIGN', 'VACATE', 'STOP'] as const).map((type) => ({ type }));
const delays = ['backoff', 'startTimeout', 'stopTimeout', 'idleTimeout'].map((delay) => (state: string) => ({ type: `xstate.after.${delay}.worker.${state}` }));
const states = ['backingOff', 'starting', 'ready', 'assigned', 'idle', 'stopping', 'killing', 'exited'];
const timed = states.flatMap((state) => delays.map((delay) => delay(state)));
const everything = [...events, ...timed] as WorkerEvent[];

describe('the worker machine', () => {
  it('reaches every state and every transition', () => {
    expect(unreached(workerMachine, explore(workerMachine, [input], events, {}))).toEqual([]);
  });

  it('ends with its process in whatever state, and never takes it for alive again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...everything), { maxLength: 40 }), (walk) => {
        let [state] = initialTransition(workerMachine, input);
        let spawned = 0;
        for (const event of walk) {
          const from = state.value;
          const [next, actions] = transition(workerMachine, state, event);
          spawned += actions.filter(({ type }) => type === 'spawnProcess').length;
          if (from === 'exited') expect(next.value).toBe('exited');
          if (event.type === 'EXIT' && from !== 'backingOff') expect(next.value).toBe('exited');
          if (from === 'stopping' || from === 'killing') expect(['stopping', 'killing', 'exited']).toContain(next.value);
          state = next;
        }
        expect(spawned).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('kills what does not start or stop in time', () => {
    const [waiting] = initialTransition(workerMachine, input);
    const [starting] = transition(workerMachine, waiting, { type: 'xstate.after.backoff.worker.backingOff' } as never);
    expect(starting.value).toBe('starting');
    const [late, actions] = transition(workerMachine, starting, { type: 'xstate.after.startTimeout.worker.starting' } as never);
    expect(late.value).toBe('killing');
    expect(actions.map(({ type }) => type)).toContain('killProcess');
  });

  it('waits longer after each failed start, within a bound', () => {
    const waits = [0, 1, 2, 3, 50].map((failures) => {
      const [, actions] = initialTransition(workerMachine, { ...input, failures });
      const raised = actions.find(({ type }) => type === 'xstate.raise') as { params: { delay: number } } | undefined;
      return raised?.params.delay;
    });
    expect(waits).toEqual([0, 50, 100, 200, BACKOFF_MAX_MS]);
  });
});
