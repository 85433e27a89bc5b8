import { BoundedMap } from '../domain/bounded-map.ts';

const SESSION_PATH = /^\/v1\/sessions\/([0-9a-f-]{36})/;
/** Sessions whose node is remembered; the oldest are asked for through the way in again. */
const SESSIONS_MAX = 10_000;
/** Nodes of which it is remembered whether they can be reached; the first ones are tried anew. */
const NODES_MAX = 1_000;
const PROBE_MS_MAX = 1_000;
/** After a node could not be reached from here, in ms. */
const AVOID_MS = 60_000;

type Reach = 'unknown' | 'probing' | 'direct' | { readonly avoidUntilMs: number };

export interface DirectRoutesOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
}

/**
 * Straight ways to the nodes that serve the sessions, learnt from `Mayfly-Node-Url`. A node's address may mean nothing
 * from here (another network, a page served over https): a straight way is taken only after a look showed that it leads
 * there, and given up for a while once it does not. The way in always works too.
 */
export class DirectRoutes {
  readonly #home: string;
  readonly #options: DirectRoutesOptions;
  readonly #nodeOf = new BoundedMap<string, string>(SESSIONS_MAX);
  readonly #reach = new BoundedMap<string, Reach>(NODES_MAX);

  constructor(home: string, options: DirectRoutesOptions) {
    this.#home = home;
    this.#options = options;
  }

  /** Where to send a call: to the session's node when that is known to be reached, else to the way in. */
  baseFor(path: string): string {
    const node = this.#nodeOf.get(sessionOf(path) ?? '');
    return node !== undefined && this.#reach.get(node) === 'direct' ? node : this.#home;
  }

  /** Learns from an answer which node serves the session. */
  learn(path: string, headers: Headers): void {
    const session = sessionOf(path) ?? sessionOf(headers.get('location') ?? '');
    const node = headers.get('mayfly-node-url')?.replace(/\/+$/, '');
    if (session === undefined || node === undefined || node === this.#home) return;
    this.#nodeOf.set(session, node);
    const reach = this.#reach.get(node) ?? 'unknown';
    const isDue = reach === 'unknown' || (typeof reach === 'object' && reach.avoidUntilMs <= this.#options.nowMs());
    if (isDue) void this.#probe(node);
  }

  /** A call that went to `base` got no answer. @returns whether there is the way in to go back to */
  lost(base: string): boolean {
    if (base === this.#home) return false;
    this.#avoid(base);
    return true;
  }

  async #probe(node: string): Promise<void> {
    this.#reach.set(node, 'probing');
    try {
      const answer = await this.#options.fetch(`${node}/healthz`, { signal: AbortSignal.timeout(PROBE_MS_MAX) });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.#reach.set(node, 'direct');
    } catch {
      this.#avoid(node);
    }
  }

  #avoid(node: string): void {
    this.#reach.set(node, { avoidUntilMs: this.#options.nowMs() + AVOID_MS });
  }
}

function sessionOf(path: string): string | undefined {
  return SESSION_PATH.exec(path)?.[1];
}
