import { Unavailable } from '../domain/errors.ts';
import { OPERATION_MS_MAX, type Master } from './master.ts';

export interface Answer<T> {
  readonly master: Master;
  readonly value: T;
}

/** Independent masters, an odd number of them: what a majority has taken, every later majority meets again. */
export class Masters {
  readonly all: readonly Master[];
  readonly majority: number;

  constructor(all: readonly Master[]) {
    this.all = all;
    this.majority = Math.floor(all.length / 2) + 1;
  }

  /**
   * Asks all at once and resolves with the first answers that make a majority; what comes later is dropped.
   * @throws Unavailable as soon as no majority can be had, within 250 ms, or 50 ms after this process stood still for longer
   */
  async ask<T>(question: (master: Master) => Promise<T>): Promise<readonly Answer<T>[]> {
    return new Promise((resolve, reject) => {
      const answers: Answer<T>[] = [];
      const failures: unknown[] = [];
      for (const master of this.all) {
        question(master).then(
          (value) => {
            answers.push({ master, value });
            if (answers.length === this.majority) resolve([...answers]);
          },
          (error: unknown) => {
            failures.push(error);
            if (failures.length === this.all.length - this.majority + 1) reject(this.#unavailable(failures));
          },
        );
      }
    });
  }

  close(): void {
    for (const master of this.all) master.close();
  }

  #unavailable(failures: readonly unknown[]): Error {
    const detail = `A majority of the ${this.all.length} Redis masters did not answer within ${OPERATION_MS_MAX} ms: ${failures.map(String).join('; ')}`;
    return new Unavailable(detail, { service: 'redis' });
  }
}
