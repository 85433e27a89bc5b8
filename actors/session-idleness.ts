type WorkEvent = { readonly type: 'WORK_BEGAN' | 'WORK_ENDED' };

/** Tells the machine of work while an idle timeout hangs on it; without one every statement would cost it two events for nothing. */
export class SessionIdleness {
  readonly #tell: (event: WorkEvent) => void;
  #isBounded: boolean;
  #isAtWork = false;
  #isTold = false;

  constructor(idleTimeoutMs: number | null, tell: (event: WorkEvent) => void) {
    this.#isBounded = idleTimeoutMs !== null;
    this.#tell = tell;
  }

  /** To be called once the machine has the new timeout: work under way keeps it from running. */
  bound(idleTimeoutMs: number | null): void {
    this.#isBounded = idleTimeoutMs !== null;
    this.#tellOfWork();
  }

  begin(): void {
    this.#isAtWork = true;
    this.#tellOfWork();
  }

  end(): void {
    this.#isAtWork = false;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#tell({ type: 'WORK_ENDED' });
  }

  #tellOfWork(): void {
    if (!this.#isAtWork || this.#isTold || !this.#isBounded) return;
    this.#isTold = true;
    this.#tell({ type: 'WORK_BEGAN' });
  }
}
