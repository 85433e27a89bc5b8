import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';

/** What a load balancer does that knows nothing of sessions: each call goes to the next node that runs, whichever serves it. */
export class RoundRobin {
  readonly #nodes: readonly NodeProcess[];
  #turn = 0;

  constructor(nodes: readonly NodeProcess[]) {
    this.#nodes = nodes;
  }

  /** Where the next call goes. */
  next(): string {
    const running = this.#nodes.filter(({ pid }) => pid !== undefined);
    return running[this.#turn++ % running.length]?.url ?? '';
  }

  /** For a client of any one address: whatever it is, the next node's is taken. */
  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(`${this.next()}${pathname}${search}`, init);
  };
}
