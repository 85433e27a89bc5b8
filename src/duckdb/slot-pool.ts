import { prepareInstance, type PreparedInstance } from './sandbox.ts';

/** Instances made ahead of need, since making one takes longer than opening a session should. A used one is destroyed. */
export class SlotPool {
  readonly #ahead: number;
  #ready: Promise<PreparedInstance>[] = [];
  #closed = false;

  /** @param ahead instances kept ready */
  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /** Makes the first ones. */
  async fill(): Promise<void> {
    this.#refill();
    await Promise.all(this.#ready);
  }

  async take(): Promise<PreparedInstance> {
    const ready = this.#ready.shift() ?? prepareInstance();
    try {
      return await ready;
    } finally {
      // After the caller's own work, so that the next session does not delay this one.
      setImmediate(() => this.#refill());
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const ready = await Promise.allSettled(this.#ready.splice(0));
    for (const made of ready) {
      if (made.status === 'fulfilled') destroyInstance(made.value);
    }
  }

  #refill(): void {
    while (!this.#closed && this.#ready.length < this.#ahead) {
      const made = prepareInstance();
      // Heard by whoever takes it.
      made.catch(() => undefined);
      this.#ready.push(made);
    }
  }
}

/** Closing the instance is what returns its memory to the system. Nothing may run on it. */
export function destroyInstance({ instance, connection }: PreparedInstance): void {
  connection.closeSync();
  instance.closeSync();
}
