/** Clocks further apart than this are taken to differ: the header tells whole seconds. */
const SKEW_MIN_MS = 2_000;

/** The node's clock as its answers tell it: ages and deadlines are the node's, not this machine's. */
export class NodeTime {
  #aheadMs = 0;

  note(response: Response): void {
    const at = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(at)) return;
    const aheadMs = at - Date.now();
    this.#aheadMs = Math.abs(aheadMs) < SKEW_MIN_MS ? 0 : aheadMs;
  }

  nowMs(): number {
    return Date.now() + this.#aheadMs;
  }
}
